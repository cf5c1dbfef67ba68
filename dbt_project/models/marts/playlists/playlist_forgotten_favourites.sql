{%- set playlist = {
    'title': 'Forgotten Favourites',
    'description': 'Played a lot once, and not for a year.',
    'enabled': false,
    'limit': {'tracks': 50},
    'per_artist': 2,
    'select_by': ['play_count desc', 'last_played_at asc'],
    'order_by': 'random',
    'seed': 'week',
    'artist_separation': 4,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        play_count >= {{ var('forgotten_min_plays') }}
        and {{ before_the_last(local_date('last_played_at'), var('forgotten_quiet_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
