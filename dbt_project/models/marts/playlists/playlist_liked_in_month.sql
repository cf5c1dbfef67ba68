{%- set playlist = {
    'title': 'Liked In Month',
    'description': 'Liked in one month, in order: var liked_in_month (2026-06), or this one.',
    'enabled': false,
    'limit': {'tracks': 500},
    'select_by': ['liked_at asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_liked
        and to_char({{ local_time('liked_at') }}, 'YYYY-MM')
        = {{ literal(var('liked_in_month')) if var('liked_in_month') else "to_char(" ~ local_today() ~ ", 'YYYY-MM')" }}
),

{{ select_tracks(playlist) }}

select * from selection
