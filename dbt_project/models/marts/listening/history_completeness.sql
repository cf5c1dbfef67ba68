with

coverage as (
    select
        began_at,
        ended_at
    from {{ ref('int_export_coverage') }}
),

gaps as (
    select
        began_at,
        ended_at
    from {{ ref('int_poll_gaps') }}
    where is_loss_possible and kind in ('suspected', 'silent') and began_at < ended_at
),

polls as (
    select
        polled_at,
        oldest_played_at
    from {{ ref('stg_ops__play_polls') }}
    where outcome in ('new', 'nothing_new', 'empty') and polled_at <= {{ as_of() }}
),

-- the first poll reaches back over fifty plays
polled as (
    select tstzrange(least(min(polled_at), min(oldest_played_at)), max(polled_at)) as span
    from polls
    having count(*) > 0
),

covered as (
    select
        coalesce((select range_agg(tstzrange(began_at, ended_at)) from coverage), '{}')
        + (
            coalesce((select tstzmultirange(span) from polled), '{}')
            - coalesce((select range_agg(tstzrange(began_at, ended_at)) from gaps), '{}')
        ) as spans
),

days as (
    select
        cast(day as date) as local_date,
        tstzrange(
            day at time zone {{ local_zone() }},
            -- of today, what has passed
            least((day + interval '1 day') at time zone {{ local_zone() }}, {{ as_of() }})
        ) as span,
        covered.spans
    from covered
    cross join lateral generate_series(
        date_trunc('day', {{ local_time('lower(covered.spans)') }}), {{ local_time(as_of()) }}, interval '1 day'
    ) as calendar (day)
),

known as (
    select
        days.local_date,
        days.span,
        coalesce(sum(extract(epoch from upper(part) - lower(part))), 0) as known_s
    from days
    left join lateral unnest(days.spans * tstzmultirange(days.span)) as parts (part) on true
    where not isempty(days.span)
    group by days.local_date, days.span
)

select
    local_date,
    cast(round(known_s / extract(epoch from upper(span) - lower(span)), 4) as double precision) as completeness
from known
