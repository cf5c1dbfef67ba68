{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[{'columns': ['local_month', 'track_key'], 'unique': true}],
    pre_hook="{{ forget_touched_days('local_month', 'month') }}",
    post_hook=['{{ settle_touched_days() }}', '{{ remember_data_version() }}'],
) }}

with

listens as (
    select
        {{ local_month('played_at') }} as local_month,
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
    where played_at <= {{ as_of() }} and {{ is_in_touched_day('played_at', 'month') }}
)

-- By track and not by recording: a recording may be merged or split at any time, and is joined where it is needed.
select
    local_month,
    track_key,
    min(track_id) as track_id,
    min(title collate "C") as title,
    min(artist collate "C") as artist,
    cast(count(*) as integer) as listen_count,
    {{ listening_sums() }}
from listens
group by local_month, track_key
