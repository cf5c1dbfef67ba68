{{ config(
    materialized='incremental',
    unique_key='report_id',
    on_schema_change='fail',
    indexes=[
        {'columns': ['report_id']}, {'columns': ['load_id']}, {'columns': ['track_key']}, {'columns': ['batch']},
        {'columns': ['minute', 'ms_played']}, {'columns': ['file_id', 'covered_since']},
    ],
    post_hook=['{{ analyze_where_grown() }}', '{{ remember_data_version() }}'],
) }}

{%- set to_read = is_export_to_read(
    ref('stg_export__loads'), ref('stg_export__streaming_history'), ref('int_covered_files')
) %}

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
        and {{ to_read }}
),

account_streams as (
    -- equal rows may be two reports of one stream, so they count once
    select distinct
        load_id,
        reported_at,
        title,
        artist,
        ms_played
    from {{ ref('stg_export__streaming_history') }}
    where
        source = 'account'
        and {{ to_read }}
),

-- One-year data does not mark streams that were made offline. But where the streams of one minute are too long to have
-- ended in it one after the other, that minute is when a device uploaded them.
upload_minutes as (
    select
        load_id,
        reported_at
    from account_streams
    group by load_id, reported_at
    having sum(ms_played) - max(ms_played) > {{ var('upload_overlap_s') }} * 1000
),

-- materialized: where PostgreSQL expects one new row, it would work this out again for each row
covered_files as materialized (
    select
        file_id,
        covered_since
    from {{ ref('int_covered_files') }}
),

exported_streams as (
    select
        exported.*,
        covered_files.covered_since,
        exported.source = 'account'
        and (exported.load_id, exported.reported_at) in (
            select
                upload_minutes.load_id,
                upload_minutes.reported_at
            from upload_minutes
        ) as is_upload_minute
    from exported
    left join covered_files on exported.file_id = covered_files.file_id
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
        cast(null as timestamptz) as offline_began_at,
        cast(null as bigint) as file_id,
        cast(null as timestamptz) as covered_since,
        track_id,
        track_uri,
        track_uri as track_key,
        cast(null as text) as title,
        cast(null as text) as artist,
        cast(null as text) as album,
        -- Spotify's API gives neither the length of a play nor the reason of its end
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
        is_late_report or is_upload_minute as is_late_report,
        is_minute_precision,
        offline_began_at,
        file_id,
        covered_since,
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
    from exported_streams
    union all
    select
        'tracker:' || row_hash as report_id,
        'tracker' as source,
        played_at as ended_at,
        played_at as reported_at,
        false as is_late_report,
        false as is_minute_precision,
        cast(null as timestamptz) as offline_began_at,
        cast(null as bigint) as file_id,
        cast(null as timestamptz) as covered_since,
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
    -- two exports give one stream the same minute of its end
    cast(floor(extract(epoch from reports.reported_at) / 60) as bigint) as minute,
    -- A number that grows with each build that brought rows: models above read the batches that they have not read yet.
    -- It starts from the clock, so that the batches of a table that was made anew are new to all of them; and it always
    -- grows, even where the clock was set back.
    greatest(
        cast(extract(epoch from now()) * 1000 as bigint)
        {%- if is_incremental() %},
        (select coalesce(max(known.batch), 0) + 1 from {{ this }} as known)
        {%- endif %}
    ) as batch
from reports
