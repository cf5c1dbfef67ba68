{{ config(
    materialized='incremental',
    unique_key='report_id',
    on_schema_change='fail',
    indexes=[{'columns': ['load_id']}, {'columns': ['track_key']}, {'columns': ['batch']}],
    post_hook='{{ remember_definition() }}',
) }}

with

recently_played as (
    select
        played_at,
        track_uri,
        track_id,
        context_type,
        context_uri,
        load_id
    from {{ ref('stg_spotify__recently_played') }}
    where
        (track_uri like 'spotify:track:%' or track_uri like 'spotify:local:%')
        and {{ is_unknown_load(ref('stg_spotify__loads'), ref('stg_spotify__recently_played')) }}
),

exported as (
    select *
    from {{ ref('stg_export__streaming_history') }}
    -- music videos with a track are plays; podcasts and audiobooks are kept apart
    where
        kind in ('track', 'video')
        and (track_uri is not null or title is not null)
        and {{ is_unknown_load(ref('stg_export__loads'), ref('stg_export__streaming_history')) }}
),

tracker_plays as (
    select *
    from {{ ref('stg_export__tracker_plays') }}
    where
        (track_id is not null or title is not null)
        and {{ is_unknown_load(ref('stg_export__loads'), ref('stg_export__tracker_plays')) }}
),

reports as (
    select
        -- milliseconds since 1970, and not a date's text: that changes with the session's TimeZone
        'api:' || cast(cast(round(extract(epoch from played_at) * 1000) as bigint) as text) || ':' || track_uri
            as report_id,
        'api' as source,
        played_at as ended_at,
        played_at as reported_at,
        false as is_late_report,
        false as is_minute_precision,
        track_id,
        track_uri,
        track_uri as track_key,
        cast(null as text) as title,
        cast(null as text) as artist,
        cast(null as text) as album,
        -- Spotify's API tells neither how long nor how it ended
        cast(null as integer) as ms_played,
        cast(null as integer) as duration_ms,
        cast(null as text) as reason_start,
        cast(null as text) as reason_end,
        cast(null as boolean) as is_skipped,
        'unknown' as skip_confidence,
        cast(null as boolean) as is_shuffled,
        cast(null as boolean) as is_offline,
        cast(null as boolean) as is_incognito,
        cast(null as boolean) as is_video,
        cast(null as text) as platform,
        cast(null as text) as country,
        context_type,
        context_uri,
        load_id
    from recently_played
    union all
    select
        'export:' || row_hash as report_id,
        source,
        ended_at,
        reported_at,
        is_late_report,
        is_minute_precision,
        track_id,
        track_uri,
        coalesce(track_uri, 'name:' || {{ name_key('title') }} || '|' || coalesce({{ name_key('artist') }}, ''))
            as track_key,
        title,
        artist,
        album,
        ms_played,
        cast(null as integer) as duration_ms,
        reason_start,
        reason_end,
        {{ is_skipped() }} as is_skipped,
        {{ skip_confidence() }} as skip_confidence,
        is_shuffled,
        is_offline,
        is_incognito,
        kind = 'video' as is_video,
        platform,
        country,
        cast(null as text) as context_type,
        cast(null as text) as context_uri,
        load_id
    from exported
    union all
    select
        'tracker:' || row_hash as report_id,
        'tracker' as source,
        played_at as ended_at,
        played_at as reported_at,
        false as is_late_report,
        false as is_minute_precision,
        track_id,
        track_uri,
        coalesce(track_uri, 'name:' || {{ name_key('title') }} || '|' || coalesce({{ name_key('artist') }}, ''))
            as track_key,
        title,
        artist,
        album,
        cast(null as integer) as ms_played,
        duration_ms,
        cast(null as text) as reason_start,
        cast(null as text) as reason_end,
        cast(null as boolean) as is_skipped,
        'unknown' as skip_confidence,
        cast(null as boolean) as is_shuffled,
        cast(null as boolean) as is_offline,
        cast(null as boolean) as is_incognito,
        cast(null as boolean) as is_video,
        cast(null as text) as platform,
        cast(null as text) as country,
        cast(null as text) as context_type,
        cast(null as text) as context_uri,
        load_id
    from tracker_plays
)

select
    reports.*,
    -- counts the builds that brought something: what is built on this table reads the batches that it has not seen
    {% if is_incremental() -%}
    (select coalesce(max(known.batch), 0) + 1 from {{ this }} as known) as batch
    {%- else -%}
    1 as batch
    {%- endif %}
from reports
