{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook='{{ forget_touched_days() }}',
    post_hook=['{{ settle_touched_days() }}', '{{ remember_data_version() }}'],
) }}

with

listens as (
    select
        track_id,
        track_uri,
        played_at,
        {{ local_date('played_at') }} as local_date,
        extract(hour from {{ local_time('played_at') }}) as local_hour,
        ms_played,
        duration_ms,
        is_length_known,
        is_skipped,
        {{ counts_as_play() }} as is_play
    from {{ ref('int_listens') }}
    where played_at <= {{ as_of() }} and {{ is_in_touched_day('played_at') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

days as (
    select
        listens.local_date,
        cast(count(*) filter (where listens.is_play) as integer) as play_count,
        cast(
            count(distinct coalesce(track_recordings.recording_id, listens.track_uri)) filter (where listens.is_play)
            as integer
        ) as recording_count,
        cast(count(distinct listens.track_id) filter (where listens.is_play) as integer) as track_count,
        cast(sum(listens.ms_played) filter (where listens.is_play) as bigint) as ms_played,
        cast(
            coalesce(sum(listens.duration_ms) filter (where listens.is_play and listens.ms_played is null), 0) as bigint
        ) as estimated_ms,
        cast(count(*) filter (where listens.is_play and not listens.is_length_known) as integer)
            as unknown_length_count,
        -- most skips are too short to be plays, so they are counted among all listens
        cast(count(*) filter (where listens.is_skipped) as integer) as skip_count,
        min(listens.played_at) filter (where listens.is_play) as first_played_at,
        max(listens.played_at) filter (where listens.is_play) as last_played_at
    from listens
    left join track_recordings on listens.track_id = track_recordings.track_id
    group by listens.local_date
    having count(*) filter (where listens.is_play) > 0
),

-- on the day when clocks are set back an hour comes twice, and its plays are counted together
hours as (
    select
        local_date,
        local_hour,
        cast(count(*) as integer) as play_count,
        cast(sum({{ heard_ms() }}) as bigint) as heard_ms,
        cast(coalesce(sum(duration_ms) filter (where ms_played is null), 0) as bigint) as estimated_ms
    from listens
    where is_play
    group by local_date, local_hour
),

days_by_hour as (
    select
        days.local_date,
        jsonb_agg(coalesce(hours.play_count, 0) order by clock.local_hour) as plays_by_hour,
        jsonb_agg(coalesce(hours.heard_ms, 0) order by clock.local_hour) as heard_ms_by_hour,
        jsonb_agg(coalesce(hours.estimated_ms, 0) order by clock.local_hour) as estimated_ms_by_hour
    from days
    cross join generate_series(0, 23) as clock (local_hour)
    left join hours on days.local_date = hours.local_date and clock.local_hour = hours.local_hour
    group by days.local_date
)

select
    days.local_date,
    days.play_count,
    days.recording_count,
    days.track_count,
    days.ms_played,
    days.estimated_ms,
    days.unknown_length_count,
    days.skip_count,
    days.first_played_at,
    days.last_played_at,
    days_by_hour.plays_by_hour,
    days_by_hour.heard_ms_by_hour,
    days_by_hour.estimated_ms_by_hour
from days
inner join days_by_hour on days.local_date = days_by_hour.local_date
