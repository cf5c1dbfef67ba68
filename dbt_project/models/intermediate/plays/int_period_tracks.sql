{{ config(materialized='table', meta={'stays': true}, indexes=[{'columns': ['period', 'track_key'], 'unique': true}]) }}

with

periods as (
    select
        period,
        period_kind,
        start_day,
        end_day
    from {{ ref('int_periods') }}
),

months as (
    select * from {{ ref('int_track_months') }}
),

-- windows move with the day, so they are counted in every build: over two years, however long the history is
listens as (
    select
        {{ local_date('played_at') }} as local_date,
        {{ track_key() }} as track_key,
        track_id,
        title,
        artist,
        played_at,
        ms_played,
        duration_ms,
        is_skipped,
        {{ counts_as_play() }} as is_play
    from {{ ref('int_listens') }}
    where played_at > {{ as_of() }} - interval '733 days' and played_at <= {{ as_of() }}
),

days as (
    select
        local_date,
        track_key,
        min(track_id) as track_id,
        min(title collate "C") as title,
        min(artist collate "C") as artist,
        {{ listening_sums() }}
    from listens
    group by local_date, track_key
),

in_windows as (
    select
        periods.period,
        days.*
    from periods
    inner join days on days.local_date between periods.start_day and periods.end_day
    where periods.period_kind in ('window', 'before')
),

windows as (
    select
        period,
        track_key,
        min(track_id) as track_id,
        min(title collate "C") as title,
        min(artist collate "C") as artist,
        {{ sums_of_sums() }}
    from in_windows
    group by period, track_key
),

years as (
    select
        cast(extract(year from local_month) as text) as period,
        track_key,
        min(track_id) as track_id,
        min(title collate "C") as title,
        min(artist collate "C") as artist,
        {{ sums_of_sums() }}
    from months
    group by extract(year from local_month), track_key
),

everything as (
    select
        'all' as period,
        track_key,
        min(track_id) as track_id,
        min(title collate "C") as title,
        min(artist collate "C") as artist,
        {{ sums_of_sums() }}
    from years
    group by track_key
)

select * from windows
union all
select * from years
union all
select * from everything
