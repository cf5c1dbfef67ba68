with

tracks as (
    select
        track_id,
        artist_id
    from {{ ref('int_tracks') }}
    where artist_id is not null
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

recording_listening as (
    select
        recording_id,
        play_count,
        last_played_at
    from {{ ref('int_recording_listening') }}
),

-- an artist has a recording once, on however many albums it is
artist_recordings as (
    select distinct
        tracks.artist_id,
        track_recordings.recording_id
    from tracks
    inner join track_recordings on tracks.track_id = track_recordings.track_id
)

select
    artist_recordings.artist_id,
    cast(sum(recording_listening.play_count) as integer) as play_count,
    max(recording_listening.last_played_at) as last_played_at
from artist_recordings
inner join recording_listening on artist_recordings.recording_id = recording_listening.recording_id
group by artist_recordings.artist_id
