select
    playlist_id,
    snapshot_id,
    {{ json_text(filled_payload('playlists'), 'name') }} as name,
    {{ json_text('payload', 'owner', 'id') }} as owner_id,
    -- `items` in new Development Mode, `tracks` before; absent where the playlist is not the user's own
    coalesce({{ json_integer('payload', 'items', 'total') }}, {{ json_integer('payload', 'tracks', 'total') }})
        as item_count
from {{ source('raw_spotify', 'playlists') }} as playlists
