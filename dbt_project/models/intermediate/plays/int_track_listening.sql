with

plays as (
    select
        track_id,
        played_at
    from {{ ref('plays') }}
    where track_id is not null
)

select
    track_id,
    cast(count(*) as integer) as play_count
from plays
where played_at <= {{ as_of() }}
group by track_id
