{{ config(materialized='view') }}

with

heard as (
    select
        track_id,
        first_played_at
    from {{ ref('int_period_tracks') }}
    where period = 'all' and play_count > 0
),

tracks as (
    select * from {{ ref('tracks') }}
),

recordings as (
    select
        tracks.recording_id,
        min(heard.first_played_at) as first_played_at
    from heard
    inner join tracks on heard.track_id = tracks.track_id
    group by tracks.recording_id
),

-- a song may have come out as a single, on an album and on a compilation: its first release counts
first_editions as (
    select distinct on (recording_id)
        recording_id,
        track_id,
        title,
        artist,
        album,
        release_date,
        release_precision
    from tracks
    where release_date is not null
    order by recording_id asc, release_date asc, track_id collate "C" asc
)

select
    first_editions.recording_id,
    first_editions.track_id,
    first_editions.title,
    first_editions.artist,
    first_editions.album,
    first_editions.release_date,
    first_editions.release_precision,
    recordings.first_played_at,
    case
        when first_editions.release_precision = 'day'
            then {{ local_date('recordings.first_played_at') }} - first_editions.release_date
    end as days_to_first_play
from recordings
inner join first_editions on recordings.recording_id = first_editions.recording_id
