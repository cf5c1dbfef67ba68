-- it stays the same table: other marts are views on it
{{ config(materialized='table', meta={'stays': true}) }}

with

daily_listening as (
    select
        local_date,
        play_count,
        recording_count,
        skip_count,
        ms_played,
        estimated_ms
    from {{ ref('daily_listening') }}
),

history_completeness as (
    select
        local_date,
        completeness
    from {{ ref('history_completeness') }}
),

days as (
    select cast(days.day as date) as local_date
    from (select min(local_date) as first_day from daily_listening) as plays
    cross join generate_series(plays.first_day, {{ local_today() }}, interval '1 day') as days (day)
)

select
    days.local_date,
    cast(extract(year from days.local_date) as integer) as year,
    cast(date_trunc('month', days.local_date) as date) as month,
    cast(extract(isodow from days.local_date) as integer) as weekday,
    cast(extract(isoyear from days.local_date) as integer) as iso_year,
    cast(extract(week from days.local_date) as integer) as iso_week,
    coalesce(daily_listening.play_count, 0) as play_count,
    coalesce(daily_listening.recording_count, 0) as recording_count,
    coalesce(daily_listening.skip_count, 0) as skip_count,
    {{ minutes('(coalesce(daily_listening.ms_played, 0) + coalesce(daily_listening.estimated_ms, 0))') }} as minutes,
    {{ minutes('coalesce(daily_listening.estimated_ms, 0)') }} as estimated_minutes,
    daily_listening.local_date is null as is_silent,
    history_completeness.completeness
from days
left join daily_listening on days.local_date = daily_listening.local_date
left join history_completeness on days.local_date = history_completeness.local_date
