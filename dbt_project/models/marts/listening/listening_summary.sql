{{ config(materialized='view') }}

with

periods as (
    select * from {{ ref('int_periods') }}
),

heard as (
    select * from {{ ref('int_period_tracks') }}
),

calendar as (
    select
        local_date,
        is_silent,
        completeness
    from {{ ref('calendar') }}
),

tracks as (
    select * from {{ ref('tracks') }}
),

named as (
    select
        heard.*,
        {{ heard_keys('heard') }}
    from heard
    left join tracks on heard.track_id = tracks.track_id
),

counted as (
    select
        period,
        cast(count(distinct recording_key) filter (where play_count > 0) as integer) as recording_count,
        cast(count(distinct artist_key) filter (where play_count > 0) as integer) as artist_count,
        cast(count(distinct album_key) filter (where play_count > 0) as integer) as album_count,
        {{ sums_of_sums() }}
    from named
    group by period
),

{{ period_completeness() }},

days as (
    select
        periods.period,
        calendar.local_date,
        -- within a run of days both sides grow by one a day, so their difference stays the same
        calendar.local_date
        - cast(row_number() over (partition by periods.period order by calendar.local_date) as integer) as run
    from periods
    inner join calendar on calendar.local_date between periods.start_day and periods.end_day
    where not calendar.is_silent
),

runs as (
    select
        period,
        count(*) as day_count
    from days
    group by period, run
),

streaks as (
    select
        period,
        cast(sum(day_count) as integer) as days_with_plays,
        cast(max(day_count) as integer) as longest_streak_days
    from runs
    group by period
)

select
    periods.period,
    periods.period_kind,
    periods.start_day,
    periods.end_day,
    periods.end_day - periods.start_day + 1 as day_count,
    coalesce(counted.play_count, 0) as play_count,
    {{ minutes('coalesce(counted.heard_ms, 0)') }} as minutes,
    {{ minutes('coalesce(counted.estimated_ms, 0)') }} as estimated_minutes,
    coalesce(counted.recording_count, 0) as recording_count,
    coalesce(counted.artist_count, 0) as artist_count,
    coalesce(counted.album_count, 0) as album_count,
    coalesce(streaks.days_with_plays, 0) as days_with_plays,
    coalesce(streaks.longest_streak_days, 0) as longest_streak_days,
    {{ share('counted.skip_count', 'counted.known_end_count') }} as skip_rate,
    completeness_by_period.completeness,
    coalesce(before.play_count, 0) as previous_play_count,
    {{ minutes('coalesce(before.heard_ms, 0)') }} as previous_minutes
from periods
inner join completeness_by_period on periods.period = completeness_by_period.period
left join counted on periods.period = counted.period
left join streaks on periods.period = streaks.period
left join counted as before on periods.previous_period = before.period
where periods.period_kind <> 'before'
