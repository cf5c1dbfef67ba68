with

saved_albums as (
    select
        saved.album_id,
        saved.added_at,
        parts.album_object
    from (select * from {{ source('raw_spotify', 'saved_albums') }}) as saved
    {{ json_parts(album_object=json_object(filled_payload('saved_albums', 'saved'), 'album', 'item')) }}
)

select
    album_id,
    added_at as saved_at,
    {{ json_text('album_object', 'artists', 0, 'name') }} as artist,
    {{ json_text('album_object', 'artists', 0, 'id') }} as artist_id,
    {{ album_columns('album_object') }}
from saved_albums
