with

artist_albums as (
    select
        albums.album_id,
        albums.artist_id,
        albums.fetched_at,
        {{ filled_payload('artist_albums', 'albums') }} as payload
    from (select * from {{ source('raw_spotify', 'artist_albums') }}) as albums
)

select
    cast(album_id as text) as album_id,
    cast(artist_id as text) as artist_id,
    fetched_at,
    {{ album_columns('payload') }}
from artist_albums
