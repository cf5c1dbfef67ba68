{{ config(materialized='view') }}

with

daily_listening as (
    select
        local_date,
        plays_by_hour,
        heard_ms_by_hour,
        estimated_ms_by_hour
    from {{ ref('daily_listening') }}
),

calendar as (
    select completeness from {{ ref('calendar') }}
),

counted as (
    select
        extract(isodow from daily_listening.local_date) as weekday,
        clock.hour,
        sum(cast(daily_listening.plays_by_hour ->> clock.hour as integer)) as play_count,
        sum(cast(daily_listening.heard_ms_by_hour ->> clock.hour as bigint)) as heard_ms,
        sum(cast(daily_listening.estimated_ms_by_hour ->> clock.hour as bigint)) as estimated_ms,
        sum(
            case
                when {{ in_the_last('daily_listening.local_date', 365) }}
                    then cast(daily_listening.plays_by_hour ->> clock.hour as integer)
            end
        ) as plays_365d
    from daily_listening
    cross join generate_series(0, 23) as clock (hour)
    group by extract(isodow from daily_listening.local_date), clock.hour
),

week as (
    select
        weekdays.weekday,
        hours.hour
    from generate_series(1, 7) as weekdays (weekday)
    cross join generate_series(0, 23) as hours (hour)
)

select
    week.weekday,
    week.hour,
    cast(coalesce(counted.play_count, 0) as integer) as play_count,
    {{ minutes('coalesce(counted.heard_ms, 0)') }} as minutes,
    {{ minutes('coalesce(counted.estimated_ms, 0)') }} as estimated_minutes,
    {{ share('coalesce(counted.play_count, 0)', 'sum(counted.play_count) over ()') }} as share,
    cast(coalesce(counted.plays_365d, 0) as integer) as plays_365d,
    (select avg(calendar.completeness) from calendar) as completeness
from week
left join counted on week.weekday = counted.weekday and week.hour = counted.hour
