{%- set playlist = {
    'title': 'Deep Cuts',
    'description': 'Hardly heard, by artists who are heard a lot.',
    'enabled': false,
    'limit': {'tracks': 50},
    'per_artist': 3,
    'select_by': ['play_count asc', 'artist_play_count desc'],
    'order_by': 'random',
    'seed': 'week',
    'artist_separation': 3,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        play_count <= {{ var('deep_cuts_max_plays') }}
        and artist_play_count >= {{ var('deep_cuts_min_artist_plays') }}
),

{{ select_tracks(playlist) }}

select * from selection
