{%- set playlist = {
    'title': 'Heavy Rotation',
    'description': 'What the last 30 days were about.',
    'limit': {'tracks': 50},
    'select_by': ['plays_30d desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where plays_30d >= {{ var('heavy_rotation_min_plays_30d') }}
),

{{ select_tracks(playlist) }}

select * from selection
