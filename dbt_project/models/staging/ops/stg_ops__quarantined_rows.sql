select
    resource,
    row_key,
    reason,
    noticed_at
from {{ source('ops', 'quarantined_rows') }}
