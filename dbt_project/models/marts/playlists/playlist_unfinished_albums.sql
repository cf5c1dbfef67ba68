{%- set playlist = {
    'title': 'Unfinished Albums',
    'description': 'What is still unheard on saved albums that were begun, the latest heard first.',
    'limit': {'tracks': 100},
    'select_by': ['album_last_played_at desc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_album_saved
        and album_completion > 0
        and play_count = 0
),

{{ select_tracks(playlist) }}

select * from selection
