{%- set playlist = {
    'title': 'Loved: Added In Last 30 Days',
    'description': 'Liked in the last 30 days, the newest like first.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['liked_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_liked
        and {{ in_the_last(local_date('liked_at'), var('loved_added_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
