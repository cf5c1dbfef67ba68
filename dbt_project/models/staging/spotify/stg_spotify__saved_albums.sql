with

saved_albums as (
    select
        album_id,
        added_at,
        {{ json_object('payload', 'album', 'item') }} as album_object
    from {{ source('raw_spotify', 'saved_albums') }}
)

select
    saved_albums.album_id,
    saved_albums.added_at as saved_at,
    {{ json_text('saved_albums.album_object', 'artists', 0, 'name') }} as artist,
    {{ json_text('saved_albums.album_object', 'artists', 0, 'id') }} as artist_id,
    columns.album,
    columns.album_type,
    columns.album_total_tracks,
    columns.album_image_url,
    columns.release_date,
    columns.release_precision
from saved_albums
cross join lateral (select {{ album_columns('saved_albums.album_object') }}) as columns
