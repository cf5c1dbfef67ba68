{%- set playlist = {
    'title': 'Binged',
    'description': 'Played several times in one day, the wildest day first.',
    'enabled': false,
    'limit': {'tracks': 50},
    'select_by': ['max_plays_in_a_day desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where max_plays_in_a_day >= {{ var('binged_min_plays_in_a_day') }}
),

{{ select_tracks(playlist) }}

select * from selection
