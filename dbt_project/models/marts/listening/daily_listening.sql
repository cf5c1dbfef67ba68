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
        ms_played,
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
)

select
    listens.local_date,
    cast(count(*) filter (where listens.is_play) as integer) as play_count,
    cast(
        count(distinct coalesce(track_recordings.recording_id, listens.track_uri)) filter (where listens.is_play)
        as integer
    ) as recording_count,
    cast(count(distinct listens.track_id) filter (where listens.is_play) as integer) as track_count,
    cast(sum(listens.ms_played) filter (where listens.is_play) as bigint) as ms_played,
    cast(count(*) filter (where listens.is_play and not listens.is_length_known) as integer) as unknown_length_count,
    -- most skips are too short to be plays, so they are counted among all listens
    cast(count(*) filter (where listens.is_skipped) as integer) as skip_count,
    min(listens.played_at) filter (where listens.is_play) as first_played_at,
    max(listens.played_at) filter (where listens.is_play) as last_played_at
from listens
left join track_recordings on listens.track_id = track_recordings.track_id
group by listens.local_date
having count(*) filter (where listens.is_play) > 0
