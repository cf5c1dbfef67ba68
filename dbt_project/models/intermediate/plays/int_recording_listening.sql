{{ config(materialized='table', indexes=[{'columns': ['recording_id'], 'unique': true}]) }}

with

plays as (
    select
        track_id,
        local_date,
        played_at,
        ms_played
    from {{ ref('plays') }}
    -- a past day that is asked for knows nothing of what came after it
    where played_at <= {{ as_of() }}
),

listens as (
    select
        track_id,
        is_skipped
    from {{ ref('listens') }}
    -- a skip is mostly too short to be a play, so skips are counted among all listens whose end is known
    where is_skipped is not null and played_at <= {{ as_of() }}
),

-- joined here and never stored with the plays: a recording may be merged or split at any time
track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

days as (
    select
        track_recordings.recording_id,
        plays.local_date,
        cast(count(*) as integer) as plays,
        min(plays.played_at) as first_played_at,
        max(plays.played_at) as last_played_at,
        sum(plays.ms_played) as ms_played
    from plays
    inner join track_recordings on plays.track_id = track_recordings.track_id
    group by track_recordings.recording_id, plays.local_date
),

totals as (
    select
        recording_id,
        cast(sum(plays) as integer) as play_count,
        cast(coalesce(sum(plays) filter (where {{ within_days('local_date', 7) }}), 0) as integer) as plays_7d,
        cast(coalesce(sum(plays) filter (where {{ within_days('local_date', 30) }}), 0) as integer) as plays_30d,
        cast(coalesce(sum(plays) filter (where {{ within_days('local_date', 90) }}), 0) as integer) as plays_90d,
        cast(coalesce(sum(plays) filter (where {{ within_days('local_date', 365) }}), 0) as integer) as plays_365d,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at,
        cast(count(*) as integer) as days_played,
        max(plays) as max_plays_in_a_day,
        cast(sum(ms_played) as bigint) as ms_played
    from days
    group by recording_id
),

skips as (
    select
        track_recordings.recording_id,
        cast(count(*) filter (where listens.is_skipped) as integer) as skip_count,
        count(*) as known_listens
    from listens
    inner join track_recordings on listens.track_id = track_recordings.track_id
    group by track_recordings.recording_id
)

select
    coalesce(totals.recording_id, skips.recording_id) as recording_id,
    coalesce(totals.play_count, 0) as play_count,
    coalesce(totals.plays_7d, 0) as plays_7d,
    coalesce(totals.plays_30d, 0) as plays_30d,
    coalesce(totals.plays_90d, 0) as plays_90d,
    coalesce(totals.plays_365d, 0) as plays_365d,
    totals.first_played_at,
    totals.last_played_at,
    coalesce(totals.days_played, 0) as days_played,
    coalesce(totals.max_plays_in_a_day, 0) as max_plays_in_a_day,
    totals.ms_played,
    coalesce(skips.skip_count, 0) as skip_count,
    skips.skip_count / cast(skips.known_listens as double precision) as skip_rate
from totals
full join skips on totals.recording_id = skips.recording_id
