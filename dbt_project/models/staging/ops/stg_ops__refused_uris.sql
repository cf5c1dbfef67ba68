select
    uri as track_uri,
    refused_at
from {{ source('ops', 'refused_uris') }}
