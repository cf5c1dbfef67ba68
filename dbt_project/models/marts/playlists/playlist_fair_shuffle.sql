{%- set playlist = {
    'title': 'Fair Shuffle',
    'description': 'Chance in favour of what was played seldom and not for long: weight = days quiet / (1 + plays).',
    'enabled': false,
    'limit': {'tracks': 100},
    'order_by': 'weighted(fairness)',
    'seed': 'day',
    'artist_separation': 3,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select
        *,
        -- what was never heard is quiet since it came
        {{ days_since('coalesce(last_played_at, added_at)') }} / cast(1 + play_count as numeric) as fairness
    from {{ ref('unified_tracks') }}
),

{{ select_tracks(playlist) }}

select * from selection
