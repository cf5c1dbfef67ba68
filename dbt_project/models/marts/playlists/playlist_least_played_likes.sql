{%- set playlist = {
    'title': 'Least Played Likes',
    'description': 'Liked, heard, and hardly ever since.',
    'limit': {'tracks': 100},
    'per_artist': 3,
    'select_by': ['play_count asc', 'last_played_at asc', 'liked_at asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        is_liked
        and play_count >= {{ var('least_played_min_plays') }}
),

{{ select_tracks(playlist) }}

select * from selection
