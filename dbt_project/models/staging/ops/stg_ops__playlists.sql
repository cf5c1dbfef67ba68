select
    slug,
    playlist_id,
    name,
    state
from {{ source('ops', 'playlists') }}
