with

tracks as (
    select
        track_id,
        album_id,
        album_total_tracks
    from {{ ref('int_tracks') }}
    where album_id is not null
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

album_recordings as (
    select
        tracks.album_id,
        track_recordings.recording_id,
        count(*) as track_count,
        max(tracks.album_total_tracks) as album_total_tracks
    from tracks
    inner join track_recordings on tracks.track_id = track_recordings.track_id
    group by tracks.album_id, track_recordings.recording_id
)

select
    album_recordings.album_id,
    cast(coalesce(sum(recording_listening.play_count), 0) as integer) as play_count,
    max(recording_listening.last_played_at) as last_played_at,
    -- Spotify's own number where it tells one: of an album that is not saved we know only the tracks met so far
    cast(coalesce(max(album_recordings.album_total_tracks), sum(album_recordings.track_count)) as integer)
        as track_count,
    count(*) filter (where recording_listening.play_count > 0) as heard_recordings
from album_recordings
left join recording_listening on album_recordings.recording_id = recording_listening.recording_id
group by album_recordings.album_id
