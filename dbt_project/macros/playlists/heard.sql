{#
    The CTE `heard`: for each recording how often it was played among the plays that meet a condition on `plays`
    (played_at, local_date), whatever the edition. For playlists on a time that unified_tracks has no column for.
#}
{% macro heard(condition) -%}
heard as (
    select
        recordings.recording_id,
        cast(count(*) as integer) as plays_heard
    from {{ ref('plays') }} as plays
    inner join {{ ref('int_track_recordings') }} as recordings on plays.track_id = recordings.track_id
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
    from {{ ref('unified_tracks') }} as tracks
    inner join heard on tracks.recording_id = heard.recording_id
    where heard.plays_heard >= {{ at_least }}
)
{%- endmacro %}

{# True in the hours of the person's day from the first to the last, both included. #}
{% macro within_hours(moment, hours) -%}
    extract(hour from {{ local_time(moment) }}) between {{ hours[0] }} and {{ hours[1] }}
{%- endmacro %}

{# True in this month of the year, so many years ago. #}
{% macro in_month(day, years_ago) -%}
    date_trunc('month', cast({{ day }} as timestamp))
    = date_trunc('month', cast({{ local_today() }} as timestamp)) - interval '{{ years_ago }} years'
{%- endmacro %}

{# True in a calendar year; none = this one. #}
{% macro in_year(day, year=none) -%}
    extract(year from {{ day }}) = {{ year or 'extract(year from ' ~ local_today() ~ ')' }}
{%- endmacro %}
