with

playlists as (
    select
        playlists.playlist_id,
        {{ filled_payload('playlists', 'playlists') }} as payload
    from (select * from {{ source('raw_spotify', 'playlists') }}) as playlists
)

select
    cast(playlist_id as text) as playlist_id,
    {{ json_text('payload', 'name') }} as name
from playlists
