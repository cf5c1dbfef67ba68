{%- set playlist = {
    'title': 'Never Played',
    'description': 'In the library and not heard yet; the longest waiting come first.',
    'limit': {'tracks': 100},
    'per_album': 3,
    'select_by': ['added_at asc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    -- as far as is known, from the first day on: required history_days would keep the list from who begins
    where play_count = 0
),

{{ select_tracks(playlist) }}

select * from selection
