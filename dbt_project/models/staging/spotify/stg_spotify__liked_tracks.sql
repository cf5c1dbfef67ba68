with

liked_tracks as (
    select
        track_id,
        added_at,
        {{ json_object('payload', 'track', 'item') }} as track
    from {{ source('raw_spotify', 'liked_tracks') }}
)

select
    track_id,
    'spotify:track:' || track_id as track_uri,
    added_at as liked_at,
    {{ track_columns('track') }}
from liked_tracks
