{{ config(severity='warn') }}

-- Nothing breaks without the field, but what is made of it (genres, ISRCs, dates) grows old unnoticed.
select
    resource,
    path,
    last_seen,
    rows_since_seen
from {{ ref('api_fields') }}
where is_dried_up
