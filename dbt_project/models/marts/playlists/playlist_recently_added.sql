{%- set playlist = {
    'title': 'Recently Added',
    'description': 'The newest in the library; of a new album its first tracks.',
    'limit': {'tracks': 100},
    'per_album': 5,
    'select_by': ['added_at desc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
),

{{ select_tracks(playlist) }}

select * from selection
