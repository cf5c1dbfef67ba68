select
    cast(row_hash as bigint) as row_hash,
    played_at,
    cast(track_id as text) as track_id,
    case when track_id is not null then 'spotify:track:' || track_id end as track_uri,
    cast(track_name as text) as title,
    cast(artist_name as text) as artist,
    cast(album_name as text) as album,
    cast(duration_ms as integer) as duration_ms,
    cast(_dlt_load_id as text) as load_id
from {{ source('raw_export', 'tracker_plays') }}
