{%- set playlist = {
    'title': 'Album Of The Week',
    'description': 'One saved album, whole and in its order; another one every week.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['disc_number asc', 'track_number asc'],
    'seed': 'week',
    'dedupe_recordings': false,
} -%}

{{ config(meta={'playlist': playlist}) }}

with

tracks as (
    select * from {{ ref('unified_tracks') }}
),

albums as (
    select album_id
    from tracks
    where
        is_album_saved
        and is_excluded is not true
        and is_playable is not false
        and is_refused is not true
        -- an album saved in this week waits for the next: it would else take the place of one that has begun
        and {{ local_date('album_saved_at') }} < date_trunc('week', cast({{ local_today() }} as timestamp))
    group by album_id
    having count(*) >= {{ var('album_of_the_week_min_tracks') }}
),

album_of_the_week as (
    select album_id
    from albums
    order by md5({{ shuffle_seed(playlist.seed) }} || ' ' || album_id) collate "C"
    limit 1
),

candidates as (
    select tracks.*
    from tracks
    inner join album_of_the_week on tracks.album_id = album_of_the_week.album_id
    where tracks.is_album_saved
),

{{ select_tracks(playlist) }}

select * from selection
