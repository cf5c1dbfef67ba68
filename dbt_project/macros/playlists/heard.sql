{#
    The CTE `heard`: for each recording how often it was played among the plays that meet a condition on `plays`
    (played_at, local_date), whatever the edition. For playlists on a time that unified_tracks has no column for.
    The condition should be a range of either: both have an index, and no build then reads a life's plays.
#}
{% macro heard(condition) -%}
heard as (
    select
        recordings.recording_id,
        cast(count(*) as integer) as plays_heard
    from (select * from {{ ref('plays') }}) as plays
    inner join (select * from {{ ref('int_track_recordings') }}) as recordings on plays.track_id = recordings.track_id
    where {{ condition }}
    group by recordings.recording_id
)
{%- endmacro %}

{# `candidates` out of `heard`: the tracks of the library with plays_heard, from so many plays on. #}
{% macro heard_tracks(at_least=1) -%}
candidates as (
    select
        tracks.*,
        heard.plays_heard
    from (select * from {{ ref('unified_tracks') }}) as tracks
    inner join heard on tracks.recording_id = heard.recording_id
    where heard.plays_heard >= {{ at_least }}
)
{%- endmacro %}

{#
    The same CTE for hours of the person's day, the first and the last included: of all time, up to now. Counted ahead
    by recording, because to sort a life's plays by the hour each night would cost more with each year.
#}
{% macro heard_in_hours(hours) -%}
heard as (
    select
        totals.recording_id,
        cast(sum(
            {%- for hour in range(hours[0], hours[1] + 1) %}
            cast(totals.plays_by_hour ->> {{ hour }} as integer) {{- ' +' if not loop.last }}
            {%- endfor %}
        ) as integer) as plays_heard
    from (select * from {{ ref('int_recording_totals') }}) as totals
    where totals.recording_id is not null
    group by totals.recording_id
)
{%- endmacro %}

{# True in this month of the year, so many years ago. A range, which an index on days answers. #}
{% macro in_month(day, years_ago) -%}
    (
        {{ day }} >= cast(date_trunc('month', {{ local_today() }} - interval '{{ years_ago }} years') as date)
        and {{ day }} < cast(
            date_trunc('month', {{ local_today() }} - interval '{{ years_ago }} years') + interval '1 month' as date
        )
    )
{%- endmacro %}

{# True in a calendar year; none = this one. A range, as above. #}
{% macro in_year(day, year=none) -%}
    {%- set first = "make_date(" ~ (year or "cast(extract(year from " ~ local_today() ~ ") as integer)") ~ ", 1, 1)" -%}
    ({{ day }} >= {{ first }} and {{ day }} < cast({{ first }} + interval '1 year' as date))
{%- endmacro %}
