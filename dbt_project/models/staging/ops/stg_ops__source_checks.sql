select
    resource,
    checked_at,
    is_complete
from {{ source('ops', 'source_checks') }}
