with

saved_albums as (
    select
        album_id,
        {{ json_object('payload', 'album', 'item') }} as album_object
    from {{ source('raw_spotify', 'saved_albums') }}
),

-- an album may name one track twice; its first place counts
tracks as (
    select distinct on (saved_albums.album_id, {{ json_text('entries.track', 'id') }})
        saved_albums.album_id as saved_album_id,
        saved_albums.album_object,
        entries.track,
        {{ json_text('entries.track', 'id') }} as track_id,
        entries.position
    from saved_albums
    cross join
        jsonb_array_elements({{ json_array('saved_albums.album_object', 'tracks', 'items') }})
        with ordinality as entries (track, position)
    where {{ json_text('entries.track', 'id') }} is not null
    order by saved_albums.album_id, {{ json_text('entries.track', 'id') }}, entries.position
)

select
    saved_album_id,
    track_id,
    'spotify:track:' || track_id as track_uri,
    position,
    {{ track_columns('track', album='album_object') }}
from tracks
