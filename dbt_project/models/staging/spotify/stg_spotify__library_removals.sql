select
    kind,
    id as item_id,
    added_at,
    event,
    noticed_at
from {{ source('raw_spotify', 'library_removals') }}
