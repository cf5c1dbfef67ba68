{%- set playlist = {
    'title': 'Most Played',
    'description': 'What was played most, ever.',
    'limit': {'tracks': 100},
    'select_by': ['play_count desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where play_count > 0
),

{{ select_tracks(playlist) }}

select * from selection
