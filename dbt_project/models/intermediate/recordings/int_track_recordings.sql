{{ config(materialized='table', indexes=[{'columns': ['track_id'], 'unique': true}, {'columns': ['recording_id']}]) }}

{%- set tolerance_ms = var('recording_tolerance_ms') %}

with

tracks as (
    select
        track_id,
        isrc,
        duration_ms,
        {{ name_key('title') }} || '|' || {{ name_key('artist') }} as name_key
    from {{ ref('int_tracks') }}
),

overrides as (
    select
        kind,
        track_id,
        other_track_id
    from {{ ref('stg_ops__recording_overrides') }}
),

identified as (
    select
        track_id,
        'isrc:' || isrc as recording_id,
        name_key,
        duration_ms
    from tracks
    where isrc is not null
),

unidentified as (
    select
        track_id,
        name_key,
        duration_ms
    from tracks
    where isrc is null
),

-- a track without ISRC joins the recording of its name that is nearest in duration
joined_by_name as (
    select distinct on (unidentified.track_id)
        unidentified.track_id,
        identified.recording_id
    from unidentified
    inner join identified
        on
            unidentified.name_key = identified.name_key
            and abs(unidentified.duration_ms - identified.duration_ms) <= {{ tolerance_ms }}
    order by
        unidentified.track_id,
        abs(unidentified.duration_ms - identified.duration_ms),
        identified.recording_id collate "C"
),

remaining as (
    select
        unidentified.*,
        unidentified.duration_ms - lag(unidentified.duration_ms) over (
            partition by unidentified.name_key order by unidentified.duration_ms, unidentified.track_id collate "C"
        ) as step_ms
    from unidentified
    left join joined_by_name on unidentified.track_id = joined_by_name.track_id
    where joined_by_name.track_id is null
),

-- tracks without ISRC and with one name belong together as long as no two neighbours in length are too far apart
islands as (
    select
        remaining.*,
        count(*) filter (where step_ms is null or step_ms > {{ tolerance_ms }})
            over (partition by name_key order by duration_ms, track_id collate "C")
            as island
    from remaining
),

grouped_by_name as (
    select
        track_id,
        -- without a name nothing can be compared: such a track is a recording of its own
        case
            when name_key is null or duration_ms is null then 'track:' || track_id
            else 'track:' || min(track_id collate "C") over (partition by name_key, island)
        end as recording_id
    from islands
),

grouped as (
    select track_id, recording_id, 'isrc' as matched_by from identified
    union all
    select track_id, recording_id, 'name' as matched_by from joined_by_name
    union all
    select track_id, recording_id, 'name' as matched_by from grouped_by_name
),

-- The first of a split pair leaves the recording of the second, and stands alone.
split_off as (
    select distinct overrides.track_id
    from overrides
    inner join grouped as leaving on overrides.track_id = leaving.track_id
    inner join grouped as staying on overrides.other_track_id = staying.track_id
    where overrides.kind = 'split' and leaving.recording_id = staying.recording_id
),

after_splits as (
    select
        grouped.track_id,
        case when split_off.track_id is null then grouped.recording_id else 'alone:' || grouped.track_id end
            as recording_id,
        case when split_off.track_id is null then grouped.matched_by else 'override' end as matched_by
    from grouped
    left join split_off on grouped.track_id = split_off.track_id
),

-- Whole recordings are merged, and merges of merges too.
merges as (
    select
        ours.recording_id,
        others.recording_id as other_recording_id
    from overrides
    inner join after_splits as ours on overrides.track_id = ours.track_id
    inner join after_splits as others on overrides.other_track_id = others.track_id
    where overrides.kind = 'merge'
),

{{ lowest_connected('merged', 'merges', 'recording_id') }}

select
    after_splits.track_id,
    coalesce(merged.lowest_recording_id, after_splits.recording_id) as recording_id,
    case when merged.lowest_recording_id is null then after_splits.matched_by else 'override' end as matched_by,
    tracks.name_key
from after_splits
inner join tracks on after_splits.track_id = tracks.track_id
left join merged on after_splits.recording_id = merged.recording_id
