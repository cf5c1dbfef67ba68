-- it stays the same table: plays and listens are views on it, and the build of a poll makes its inputs anew
{{ config(materialized='table', meta={'stays': true}, indexes=[{'columns': ['recording_id']}]) }}

with

tracks as (
    select * from {{ ref('int_tracks') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

-- Exports tell names alone. Where only one artist or album that Spotify has told of has the name, it is that one.
artists as (
    select
        artist,
        min(artist_id) as artist_id
    from tracks
    where artist_id is not null
    group by artist
    having count(distinct artist_id) = 1
),

albums as (
    select
        album,
        album_artist,
        min(album_id) as album_id
    from tracks
    where album_id is not null
    group by album, album_artist
    having count(distinct album_id) = 1
)

select
    tracks.track_id,
    tracks.track_uri,
    track_recordings.recording_id,
    tracks.title,
    tracks.artist,
    coalesce(tracks.artist_id, artists.artist_id) as artist_id,
    tracks.artists,
    tracks.album,
    coalesce(tracks.album_id, albums.album_id) as album_id,
    case when tracks.album is not null then coalesce(tracks.album_artist, tracks.artist) end as album_artist,
    tracks.album_type,
    tracks.album_image_url,
    tracks.release_date,
    tracks.release_precision,
    tracks.track_number,
    tracks.disc_number,
    tracks.duration_ms,
    tracks.explicit,
    tracks.isrc
from tracks
inner join track_recordings on tracks.track_id = track_recordings.track_id
left join artists on tracks.artist = artists.artist
left join albums on tracks.album = albums.album and coalesce(tracks.album_artist, tracks.artist) = albums.album_artist
