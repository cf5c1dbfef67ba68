{{ config(tags=['playlists']) }}

select
    push_id,
    slug,
    playlist_id,
    after_uris
from {{ source('ops', 'playlist_pushes') }}
where status = 'done' and after_uris is not null
