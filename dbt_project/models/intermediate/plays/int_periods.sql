with

months as (
    select local_month from {{ ref('int_track_months') }}
    where play_count > 0
),

first_month as (
    select min(local_month) as local_month from months
    having count(*) > 0
),

windows as (
    {%- for days in [7, 30, 90, 365] %}
    select
        '{{ days }}d' as period,
        'window' as period_kind,
        'before_{{ days }}d' as previous_period,
        {{ window_start(days) }} as start_day,
        {{ local_today() }} as end_day
    union all
    select
        'before_{{ days }}d' as period,
        'before' as period_kind,
        cast(null as text) as previous_period,
        {{ window_start(days) }} - {{ days }} as start_day,
        {{ window_start(days) }} - 1 as end_day
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

years as (
    select
        cast(years.year as text) as period,
        'year' as period_kind,
        cast(years.year - 1 as text) as previous_period,
        make_date(years.year, 1, 1) as start_day,
        least(make_date(years.year, 12, 31), {{ local_today() }}) as end_day
    from first_month
    cross join
        generate_series(
            cast(extract(year from first_month.local_month) as integer),
            cast(extract(year from {{ local_today() }}) as integer)
        ) as years (year)
),

everything as (
    select
        'all' as period,
        'all' as period_kind,
        cast(null as text) as previous_period,
        local_month as start_day,
        {{ local_today() }} as end_day
    from first_month
)

select * from windows
union all
select * from years
union all
select * from everything
