select cast(load_id as text) as load_id
from {{ source('raw_spotify', '_dlt_loads') }}
where status = 0
