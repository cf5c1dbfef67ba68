-- a view: a query decides what counts as a play, and a million rows are not kept twice
select
    *,
    {{ local_date('played_at') }} as local_date
from {{ ref('int_listens') }}
where {{ counts_as_play() }}
