select simulated_at
from {{ source('ops', 'installation') }}
