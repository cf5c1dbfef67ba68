{%- set playlist = {
    'title': 'Not In Six Months',
    'description': 'Heard before, but not in six months, by chance of the week.',
    'enabled': false,
    'limit': {'tracks': 100},
    'per_artist': 3,
    'order_by': 'random',
    'seed': 'week',
    'artist_separation': 4,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where {{ before_the_last(local_date('last_played_at'), var('not_in_months'), 'months') }}
),

{{ select_tracks(playlist) }}

select * from selection
