with

saved_albums as (
    select
        album_id,
        saved_at
    from {{ ref('int_saved_albums') }}
),

album_tracks as (
    select
        saved_album_id,
        track_id,
        position
    from {{ ref('stg_spotify__saved_album_tracks') }}
)

select
    album_tracks.saved_album_id as album_id,
    album_tracks.track_id,
    album_tracks.position,
    saved_albums.saved_at
from album_tracks
inner join saved_albums on album_tracks.saved_album_id = saved_albums.album_id
