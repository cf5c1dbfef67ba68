with

playlist_items as (
    select
        playlist_id,
        position,
        snapshot_id,
        uri,
        added_at,
        {{ json_object('payload', 'item', 'track') }} as item,
        {{ json_boolean('payload', 'is_local') }} as is_local
    from {{ source('raw_spotify', 'playlist_items') }}
)

select
    playlist_id,
    position,
    snapshot_id,
    uri,
    added_at,
    -- null for local files, episodes and entries whose item Spotify no longer shows
    case when uri like 'spotify:track:%' then split_part(uri, ':', 3) end as track_id,
    coalesce(is_local, uri like 'spotify:local:%', false) as is_local,
    {{ track_columns('item') }}
from playlist_items
