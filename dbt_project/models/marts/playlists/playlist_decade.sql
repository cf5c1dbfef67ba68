{%- set playlist = {
    'title': 'Decade',
    'description': 'Released in one decade (var decade), by chance of the week.',
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
    where extract(year from release_date) between {{ var('decade') }} and {{ var('decade') + 9 }}
),

{{ select_tracks(playlist) }}

select * from selection
