{%- set playlist = {
    'title': '45-Minute Run',
    'description': 'Liked, of a running length, and 45 minutes at most together; another choice every day.',
    'enabled': false,
    'limit': {'minutes': 45},
    'per_artist': 2,
    'order_by': 'random',
    'seed': 'day',
    'artist_separation': 2,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_liked
        and duration_ms <= {{ var('run_max_minutes_per_track') }} * 60000
),

{{ select_tracks(playlist) }}

select * from selection
