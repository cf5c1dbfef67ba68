{%- set playlist = {
    'title': 'Skipped Too Often',
    'description': 'More often skipped than heard: to be looked through, and perhaps un-liked.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['skip_rate desc', 'skip_count desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        skip_count >= {{ var('skipped_min_skips') }}
        and skip_rate >= {{ var('skipped_min_rate') }}
),

{{ select_tracks(playlist) }}

select * from selection
