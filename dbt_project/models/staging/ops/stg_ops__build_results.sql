select
    invocation_id,
    unique_id,
    slug,
    test_name,
    status,
    failures,
    finished_at
from {{ source('ops', 'build_results') }}
