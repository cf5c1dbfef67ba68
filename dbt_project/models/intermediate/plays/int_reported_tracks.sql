{{ config(
    materialized='incremental',
    unique_key='track_key',
    on_schema_change='fail',
    post_hook='{{ remember_data_version() }}',
) }}

{%- set seen_batch = seen_batch_of(ref('int_play_reports')) %}

with

{% if is_incremental() -%}
touched_tracks as (
    select distinct track_key
    from {{ ref('int_play_reports') }}
    where batch > {{ seen_batch }}
),

{% endif -%}
reports as (
    select
        reports.track_key,
        reports.track_id,
        reports.track_uri,
        nullif(reports.title, '') as title,
        nullif(reports.artist, '') as artist,
        nullif(reports.album, '') as album,
        reports.ms_played,
        reports.duration_ms,
        reports.reason_end,
        reports.ended_at,
        reports.report_id,
        reports.batch
    from (select * from {{ ref('int_play_reports') }}) as reports
    {%- if is_incremental() %}
    where reports.track_key in (select touched_tracks.track_key from touched_tracks)
    {%- endif %}
),

names as (
    select distinct
        track_key,
        title,
        artist
    from reports
    where title is not null and artist is not null
),

-- every name that a track has had: exports of other years may use another one
name_keys as (
    select
        track_key,
        to_jsonb(array_agg(distinct {{ name_key('title') }} || '|' || {{ name_key('artist') }})) as name_keys
    from names
    group by track_key
),

newest_names as (
    select distinct on (track_key)
        track_key,
        title,
        artist,
        album
    from reports
    where title is not null
    order by track_key asc, artist is null asc, ended_at desc, report_id collate "C" asc
),

tracks as (
    select
        track_key,
        track_id,
        track_uri,
        -- exports have no duration; the length of streams that ran to the end is mostly the duration
        coalesce(
            max(duration_ms),
            mode() within group (order by ms_played) filter (where reason_end = 'trackdone' and ms_played > 0)
        ) as duration_ms,
        cast(count(*) as integer) as report_count,
        max(batch) as batch
    from reports
    group by track_key, track_id, track_uri
)

select
    tracks.*,
    newest_names.title,
    newest_names.artist,
    newest_names.album,
    name_keys.name_keys
from tracks
left join newest_names on tracks.track_key = newest_names.track_key
left join name_keys on tracks.track_key = name_keys.track_key
