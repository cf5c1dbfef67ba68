{{ config(materialized='view') }}

with

tracks as (
    select
        track_id,
        recording_id,
        artist_id,
        artist
    from {{ ref('tracks') }}
    where artist_id is not null
),

catalogue as (
    select
        artist_id,
        name,
        genres,
        image_url
    from {{ ref('stg_spotify__artists') }}
),

liked_tracks as (
    select track_id from {{ ref('int_liked_tracks') }}
),

heard as (
    select
        track_id,
        play_count,
        heard_ms,
        first_played_at,
        last_played_at
    from {{ ref('int_period_tracks') }}
    where period = 'all'
),

counted as (
    select
        tracks.artist_id,
        min(tracks.artist collate "C") as artist,
        cast(count(distinct tracks.recording_id) as integer) as recording_count,
        cast(count(liked_tracks.track_id) as integer) as liked_track_count,
        cast(coalesce(sum(heard.play_count), 0) as integer) as play_count,
        coalesce(sum(heard.heard_ms), 0) as heard_ms,
        min(heard.first_played_at) as first_played_at,
        max(heard.last_played_at) as last_played_at
    from tracks
    left join liked_tracks on tracks.track_id = liked_tracks.track_id
    left join heard on tracks.track_id = heard.track_id
    group by tracks.artist_id
)

select
    counted.artist_id,
    coalesce(catalogue.name, counted.artist) as artist,
    coalesce(catalogue.genres, '[]') as genres,
    catalogue.image_url,
    counted.recording_count,
    counted.liked_track_count,
    counted.play_count,
    {{ minutes('counted.heard_ms') }} as minutes,
    counted.first_played_at,
    counted.last_played_at
from counted
left join catalogue on counted.artist_id = catalogue.artist_id
