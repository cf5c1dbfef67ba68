{{ config(materialized='view') }}

with

tracks as (
    select * from {{ ref('tracks') }}
    where album_id is not null
),

saved_albums as (
    select
        album_id,
        saved_at,
        album_total_tracks
    from {{ ref('int_saved_albums') }}
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

-- the facts of one track, the first on the album: all of them tell the same album
described as (
    select distinct on (album_id)
        album_id,
        album,
        album_artist,
        album_type,
        album_image_url,
        release_date,
        release_precision
    from tracks
    order by album_id asc, album_type is null asc, disc_number asc, track_number asc, track_id collate "C" asc
),

counted as (
    select
        tracks.album_id,
        cast(count(*) as integer) as known_track_count,
        cast(count(liked_tracks.track_id) as integer) as liked_track_count,
        cast(coalesce(sum(heard.play_count), 0) as integer) as play_count,
        coalesce(sum(heard.heard_ms), 0) as heard_ms,
        min(heard.first_played_at) as first_played_at,
        max(heard.last_played_at) as last_played_at
    from tracks
    left join liked_tracks on tracks.track_id = liked_tracks.track_id
    left join heard on tracks.track_id = heard.track_id
    group by tracks.album_id
)

select
    described.album_id,
    described.album,
    described.album_artist as artist,
    described.album_type,
    described.album_image_url,
    described.release_date,
    described.release_precision,
    saved_albums.album_total_tracks as total_tracks,
    counted.known_track_count,
    saved_albums.album_id is not null as is_saved,
    saved_albums.saved_at,
    counted.liked_track_count,
    counted.play_count,
    {{ minutes('counted.heard_ms') }} as minutes,
    counted.first_played_at,
    counted.last_played_at
from described
inner join counted on described.album_id = counted.album_id
left join saved_albums on described.album_id = saved_albums.album_id
