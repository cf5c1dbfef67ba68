select
    run_id,
    flow,
    started_at,
    finished_at,
    state
from {{ source('ops', 'runs') }}
