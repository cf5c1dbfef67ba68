select
    cast(artist_albums.album_id as text) as album_id,
    cast(artist_albums.artist_id as text) as artist_id,
    {{ json_text(filled_payload('artist_albums'), 'artists', 0, 'name') }} as artist,
    columns.album,
    columns.album_type,
    columns.album_total_tracks,
    columns.album_image_url,
    columns.release_date,
    columns.release_precision,
    artist_albums.fetched_at
from {{ source('raw_spotify', 'artist_albums') }} as artist_albums
cross join lateral (select {{ album_columns(filled_payload('artist_albums')) }}) as columns
