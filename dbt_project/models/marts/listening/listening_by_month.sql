{{ config(materialized='view') }}

with

calendar as (
    select
        local_date,
        month,
        completeness
    from {{ ref('calendar') }}
),

daily_listening as (
    select
        local_date,
        play_count,
        ms_played,
        estimated_ms
    from {{ ref('daily_listening') }}
),

track_months as (
    select
        local_month,
        track_key,
        track_id,
        title,
        artist,
        play_count,
        skip_count,
        known_end_count
    from {{ ref('int_track_months') }}
),

tracks as (
    select * from {{ ref('tracks') }}
),

days as (
    select
        calendar.month,
        cast(coalesce(sum(daily_listening.play_count), 0) as integer) as play_count,
        coalesce(sum(daily_listening.ms_played), 0) + coalesce(sum(daily_listening.estimated_ms), 0) as heard_ms,
        coalesce(sum(daily_listening.estimated_ms), 0) as estimated_ms,
        cast(count(daily_listening.local_date) as integer) as days_with_plays,
        avg(calendar.completeness) as completeness
    from calendar
    left join daily_listening on calendar.local_date = daily_listening.local_date
    group by calendar.month
),

named as (
    select
        track_months.local_month,
        track_months.play_count,
        track_months.skip_count,
        track_months.known_end_count,
        {{ heard_keys('track_months') }}
    from track_months
    left join tracks on track_months.track_id = tracks.track_id
),

months as (
    select
        local_month,
        cast(count(distinct recording_key) filter (where play_count > 0) as integer) as recording_count,
        cast(count(distinct artist_key) filter (where play_count > 0) as integer) as artist_count,
        cast(count(distinct album_key) filter (where play_count > 0) as integer) as album_count,
        {{ share('sum(skip_count)', 'sum(known_end_count)') }} as skip_rate
    from named
    group by local_month
)

select
    days.month,
    days.play_count,
    {{ minutes('days.heard_ms') }} as minutes,
    {{ minutes('days.estimated_ms') }} as estimated_minutes,
    coalesce(months.recording_count, 0) as recording_count,
    coalesce(months.artist_count, 0) as artist_count,
    coalesce(months.album_count, 0) as album_count,
    days.days_with_plays,
    months.skip_rate,
    days.completeness
from days
left join months on days.month = months.local_month
