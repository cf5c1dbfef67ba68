{%- set playlist = {
    'title': 'Played Once',
    'description': 'Heard exactly once, the longest ago first.',
    'enabled': false,
    'limit': {'tracks': 100},
    'per_artist': 3,
    'select_by': ['last_played_at asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where play_count = 1
),

{{ select_tracks(playlist) }}

select * from selection
