{%- set playlist = {
    'title': 'Never Played: New',
    'description': 'Came into the library lately and was not heard yet; the newest first.',
    'enabled': false,
    'limit': {'tracks': 100},
    'per_album': 3,
    'select_by': ['added_at desc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        play_count = 0
        and {{ in_the_last(local_date('added_at'), var('never_played_new_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
