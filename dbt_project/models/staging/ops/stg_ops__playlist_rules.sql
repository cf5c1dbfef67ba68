{{ config(tags=['playlists']) }}

select
    slug,
    version,
    rule,
    verdict,
    checked_fingerprint,
    checked_language
from {{ source('ops', 'playlist_rules') }}
where retired_at is null
