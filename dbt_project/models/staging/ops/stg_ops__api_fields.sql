select
    resource,
    path,
    first_seen,
    last_seen,
    last_looked_at,
    rows_looked,
    rows_with_value,
    rows_since_seen
from {{ source('ops', 'api_fields') }}
