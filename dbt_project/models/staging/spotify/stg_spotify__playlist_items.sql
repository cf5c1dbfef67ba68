with

playlist_items as (
    select
        entries.playlist_id,
        entries.position,
        entries.snapshot_id,
        -- an entry that Spotify no longer shows keeps its uri
        coalesce(entries.uri, {{ json_text('parts.item', 'uri') }}) as uri,
        entries.added_at,
        parts.item,
        {{ json_boolean('entries.payload', 'is_local') }} as is_local
    from (select * from {{ source('raw_spotify', 'playlist_items') }}) as entries
    {{ json_parts(item=json_object(filled_payload('playlist_items', 'entries'), 'item', 'track')) }}
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
    {{ track_columns('item') }},
    {{ json_text('item', 'album', 'id') }} as album_id,
    {{ album_columns("(item -> 'album')") }}
from playlist_items
