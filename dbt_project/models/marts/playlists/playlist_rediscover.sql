{%- set playlist = {
    'title': 'Rediscover',
    'description': 'Loved once, quiet for half a year.',
    'limit': {'tracks': 50},
    'per_artist': 2,
    'select_by': ['last_played_at asc nulls first'],
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
        is_liked
        and play_count >= {{ var('rediscover_min_plays') }}
        -- no history_days are required: only a play that is this old lets a track in, so a short history leaves the
        -- list short and not wrong; what nobody saw since is told by history_gaps
        and {{ before_the_last(local_date('last_played_at'), var('rediscover_quiet_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
