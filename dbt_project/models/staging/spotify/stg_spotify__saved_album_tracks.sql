with

saved_albums as (
    select
        saved.album_id as saved_album_id,
        parts.album_object
    from (select * from {{ source('raw_spotify', 'saved_albums') }}) as saved
    {{ json_parts(album_object=json_object(filled_payload('saved_albums', 'saved'), 'album', 'item')) }}
),

-- once per album and not once per track of it
albums as (
    select
        saved_albums.saved_album_id,
        saved_albums.album_object,
        facts.*
    from saved_albums
    cross join lateral (select {{ album_columns('saved_albums.album_object') }} limit 1) as facts
),

-- an album may hold one track twice; its first place counts
tracks as (
    select distinct on (albums.saved_album_id, {{ json_text('entries.track', 'id') }})
        albums.*,
        entries.track,
        {{ json_text('entries.track', 'id') }} as track_id,
        entries.position
    from albums
    cross join
        jsonb_array_elements({{ json_array('albums.album_object', 'tracks', 'items') }})
        with ordinality as entries (track, position)
    where {{ json_text('entries.track', 'id') }} is not null
    order by albums.saved_album_id, {{ json_text('entries.track', 'id') }}, entries.position
)

select
    saved_album_id,
    track_id,
    'spotify:track:' || track_id as track_uri,
    position,
    {{ track_columns('track') }},
    saved_album_id as album_id,
    album,
    album_artist,
    album_type,
    album_total_tracks,
    album_image_url,
    release_date,
    release_precision
from tracks
