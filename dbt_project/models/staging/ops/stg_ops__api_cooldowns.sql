select
    family,
    until,
    reason,
    noticed_at
from {{ source('ops', 'api_cooldowns') }}
