-- a table: the build of a poll makes the inputs of this model anew and leaves this model out; a view would be dropped
{{ config(materialized='table') }}

with

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

liked_tracks as (
    select track_id from {{ ref('int_liked_tracks') }}
),

saved_album_tracks as (
    select distinct track_id from {{ ref('int_saved_album_tracks') }}
),

availability as (
    select
        track_id,
        is_playable
    from {{ ref('int_track_availability') }}
),

track_listening as (
    select
        track_id,
        play_count
    from {{ ref('int_track_listening') }}
    where track_id is not null
),

editions as (
    select
        track_recordings.recording_id,
        track_recordings.track_id,
        liked_tracks.track_id is not null as is_liked,
        saved_album_tracks.track_id is not null as is_album_saved,
        availability.is_playable,
        coalesce(track_listening.play_count, 0) as track_play_count
    from track_recordings
    left join liked_tracks on track_recordings.track_id = liked_tracks.track_id
    left join saved_album_tracks on track_recordings.track_id = saved_album_tracks.track_id
    left join availability on track_recordings.track_id = availability.track_id
    left join track_listening on track_recordings.track_id = track_listening.track_id
)

select distinct on (recording_id)
    recording_id,
    track_id,
    is_liked or is_album_saved as is_in_library
from editions
order by recording_id, {{ edition_order() }}
