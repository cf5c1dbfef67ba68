-- it stays the same table: data_health is a view on it
{{ config(materialized='table', meta={'stays': true}) }}

with

tracks as (
    select
        track_id,
        title,
        artist,
        album,
        isrc,
        duration_ms
    from {{ ref('int_tracks') }}
),

track_recordings as (
    select
        track_id,
        recording_id,
        name_key
    from {{ ref('int_track_recordings') }}
),

overrides as (
    select
        track_id,
        other_track_id
    from {{ ref('stg_ops__recording_overrides') }}
),

preferred_editions as (
    select
        recording_id,
        track_id,
        is_in_library
    from {{ ref('int_preferred_editions') }}
),

recording_listening as (
    select
        recording_id,
        play_count
    from {{ ref('int_recording_listening') }}
),

-- any edition may tell it: those embedded in saved albums do not
identified as (
    select
        track_recordings.recording_id,
        min(tracks.isrc) as isrc
    from track_recordings
    inner join tracks on track_recordings.track_id = tracks.track_id
    group by track_recordings.recording_id
),

recordings as (
    select
        preferred_editions.recording_id,
        preferred_editions.track_id,
        preferred_editions.is_in_library,
        identified.isrc,
        tracks.duration_ms,
        coalesce(recording_listening.play_count, 0) as play_count
    from preferred_editions
    inner join tracks on preferred_editions.track_id = tracks.track_id
    inner join identified on preferred_editions.recording_id = identified.recording_id
    left join recording_listening on preferred_editions.recording_id = recording_listening.recording_id
),

-- either way: whoever kept two tracks apart, or made them one, is not asked again
decisions as (
    select track_id, other_track_id from overrides
    union
    select other_track_id as track_id, track_id as other_track_id from overrides
),

decided_recordings as (
    select distinct
        ours.recording_id,
        others.recording_id as other_recording_id
    from decisions
    inner join track_recordings as ours on decisions.track_id = ours.track_id
    inner join track_recordings as others on decisions.other_track_id = others.track_id
),

names as (
    select distinct
        recording_id,
        name_key
    from track_recordings
    where name_key is not null
),

namesakes as (
    select distinct
        names.recording_id,
        others.recording_id as other_recording_id
    from names
    inner join names as others
        on
            names.name_key = others.name_key
            and names.recording_id collate "C" < others.recording_id collate "C"
),

kept_apart as (
    select
        ours.track_id,
        others.track_id as other_track_id,
        namesakes.recording_id,
        namesakes.other_recording_id,
        case
            when ours.isrc is not null and others.isrc is not null then 'different_isrc'
            when ours.duration_ms is null or others.duration_ms is null then 'unknown_length'
            else 'different_length'
        end as doubt,
        false as is_merged
    from namesakes
    inner join recordings as ours on namesakes.recording_id = ours.recording_id
    inner join recordings as others on namesakes.other_recording_id = others.recording_id
    left join decided_recordings
        on
            namesakes.recording_id = decided_recordings.recording_id
            and namesakes.other_recording_id = decided_recordings.other_recording_id
    where
        decided_recordings.recording_id is null
        and (
            (ours.isrc is not null and others.isrc is not null)
            -- far apart they are two versions of a song, and nobody doubts it
            or abs(ours.duration_ms - others.duration_ms) <= {{ var('doubtful_difference_ms') }}
            or ours.duration_ms is null
            or others.duration_ms is null
        )
),

-- One ISRC under two names: mostly spelling, at times a label that gave a live version the number of the album's.
made_one as (
    select
        track_recordings.track_id,
        preferred_editions.track_id as other_track_id,
        track_recordings.recording_id,
        track_recordings.recording_id as other_recording_id,
        'different_name' as doubt,
        true as is_merged
    from track_recordings
    inner join preferred_editions on track_recordings.recording_id = preferred_editions.recording_id
    inner join track_recordings as standing on preferred_editions.track_id = standing.track_id
    left join decisions
        on
            track_recordings.track_id = decisions.track_id
            and preferred_editions.track_id = decisions.other_track_id
    where track_recordings.name_key <> standing.name_key and decisions.track_id is null
),

doubtful as (
    select * from kept_apart
    union all
    select * from made_one
)

select
    doubtful.track_id,
    doubtful.other_track_id,
    doubtful.recording_id,
    doubtful.other_recording_id,
    doubtful.doubt,
    doubtful.is_merged,
    tracks.title,
    others.title as other_title,
    tracks.artist,
    others.artist as other_artist,
    tracks.album,
    others.album as other_album,
    coalesce(tracks.isrc, recordings.isrc) as isrc,
    coalesce(others.isrc, other_recordings.isrc) as other_isrc,
    tracks.duration_ms,
    others.duration_ms as other_duration_ms,
    abs(tracks.duration_ms - others.duration_ms) as duration_difference_ms,
    recordings.play_count,
    other_recordings.play_count as other_play_count,
    recordings.is_in_library or other_recordings.is_in_library as is_in_library,
    {{ decision_command('merge', 'doubtful.track_id', 'doubtful.other_track_id') }} as merge_command,
    {{ decision_command('split', 'doubtful.track_id', 'doubtful.other_track_id') }} as split_command
from doubtful
inner join tracks on doubtful.track_id = tracks.track_id
inner join tracks as others on doubtful.other_track_id = others.track_id
inner join recordings on doubtful.recording_id = recordings.recording_id
inner join recordings as other_recordings on doubtful.other_recording_id = other_recordings.recording_id
