select
    kind,
    market,
    key,
    asked_at,
    answered_at
from {{ source('ops', 'catalog_checks') }}
