with

liked_tracks as (
    select
        liked.track_id,
        liked.added_at,
        parts.track
    from (select * from {{ source('raw_spotify', 'liked_tracks') }}) as liked
    {{ json_parts(track=json_object(filled_payload('liked_tracks', 'liked'), 'track', 'item')) }}
)

select
    track_id,
    'spotify:track:' || track_id as track_uri,
    added_at as liked_at,
    {{ track_columns('track') }},
    {{ json_text('track', 'album', 'id') }} as album_id,
    {{ album_columns("(track -> 'album')") }}
from liked_tracks
