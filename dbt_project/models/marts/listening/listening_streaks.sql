with

days as (
    select
        local_date,
        play_count
    from {{ ref('daily_listening') }}
),

-- within a run of days both sides grow by one a day, so their difference stays the same
numbered as (
    select
        local_date,
        play_count,
        local_date - cast(row_number() over (order by local_date) as integer) as run
    from days
),

streaks as (
    select
        min(local_date) as start_day,
        max(local_date) as end_day,
        cast(count(*) as integer) as day_count,
        cast(sum(play_count) as integer) as play_count
    from numbered
    group by run
)

select
    start_day,
    end_day,
    day_count,
    play_count,
    -- today is not over: a run that reached yesterday can still go on
    end_day >= {{ local_today() }} - 1 as is_current
from streaks
