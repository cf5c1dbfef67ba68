{{ config(materialized='table', indexes=[{'columns': ['track_id'], 'unique': true}, {'columns': ['recording_id']}]) }}

{%- set tolerance_ms = var('recording_tolerance_ms') %}

with

tracks as (
    select
        track_id,
        isrc,
        duration_ms,
        case when duration_ms is not null then {{ name_key('title') }} || '|' || {{ name_key('artist') }} end
            as name_key
    from {{ ref('int_tracks') }}
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

-- of the tracks that nobody identifies, those of one name belong together as long as no step is too wide
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
        'track:' || case
            when name_key is null then track_id
            else min(track_id collate "C") over (partition by name_key, island)
        end as recording_id
    from islands
)

select track_id, recording_id, 'isrc' as matched_by from identified
union all
select track_id, recording_id, 'name' as matched_by from joined_by_name
union all
select track_id, recording_id, 'name' as matched_by from grouped_by_name
