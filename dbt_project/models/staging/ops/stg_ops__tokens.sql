-- the tokens themselves stay where they are
select
    name,
    authorized_at,
    invalid_since
from {{ source('ops', 'tokens') }}
