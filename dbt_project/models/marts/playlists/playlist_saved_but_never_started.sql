{%- set playlist = {
    'title': 'Saved But Never Started',
    'description': 'The first tracks of saved albums of which nothing was ever heard; the longest waiting first.',
    'enabled': false,
    'limit': {'tracks': 100},
    'per_album': 3,
    'select_by': ['album_saved_at asc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_album_saved
        and album_completion = 0
),

{{ select_tracks(playlist) }}

select * from selection
