{%- set playlist = {
    'title': 'Liked Album, Not Saved',
    'description': 'Several likes of one album that is not saved: perhaps it should be.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['likes_on_album desc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

likes as (
    select
        *,
        count(*) over (partition by album_id) as likes_on_album,
        bool_or(is_album_saved) over (partition by album_id) as is_saved
    from {{ ref('unified_tracks') }}
    where is_liked and album_id is not null
),

candidates as (
    select *
    from likes
    where not is_saved and likes_on_album >= {{ var('liked_album_min_likes') }}
),

{{ select_tracks(playlist) }}

select * from selection
