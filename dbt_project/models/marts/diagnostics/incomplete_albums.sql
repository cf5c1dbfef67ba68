{{ config(materialized='view') }}

with

saved_albums as (
    select
        album_id,
        saved_at,
        album_total_tracks
    from {{ ref('int_saved_albums') }}
),

album_tracks as (
    select
        album_id,
        track_id
    from {{ ref('int_saved_album_tracks') }}
),

albums as (
    select
        album_id,
        album,
        artist
    from {{ ref('stg_spotify__saved_albums') }}
),

counted as (
    select
        album_id,
        cast(count(*) as integer) as known_track_count
    from album_tracks
    group by album_id
)

select
    saved_albums.album_id,
    albums.album,
    albums.artist,
    saved_albums.saved_at,
    saved_albums.album_total_tracks as total_tracks,
    coalesce(counted.known_track_count, 0) as known_track_count,
    saved_albums.album_total_tracks - coalesce(counted.known_track_count, 0) as missing_track_count
from saved_albums
inner join albums on saved_albums.album_id = albums.album_id
left join counted on saved_albums.album_id = counted.album_id
where coalesce(counted.known_track_count, 0) < saved_albums.album_total_tracks
