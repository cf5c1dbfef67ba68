{%- set playlist = {
    'title': 'Obsession',
    'description': 'What this week cannot do without.',
    'enabled': false,
    'limit': {'tracks': 20},
    'select_by': ['plays_7d desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where plays_7d >= {{ var('obsession_min_plays_7d') }}
),

{{ select_tracks(playlist) }}

select * from selection
