{{ config(materialized='view') }}

with

plays as (
    select * from {{ ref('int_plays') }}
),

tracks as (
    select
        track_id,
        recording_id,
        title,
        artist,
        artist_id,
        album,
        album_id
    from {{ ref('tracks') }}
)

select
    plays.listen_id as play_id,
    plays.source,
    plays.played_at,
    plays.local_date,
    cast(extract(hour from {{ local_time('plays.played_at') }}) as integer) as local_hour,
    plays.track_id,
    plays.track_uri,
    tracks.recording_id,
    coalesce(tracks.title, plays.title) as title,
    coalesce(tracks.artist, plays.artist) as artist,
    tracks.artist_id,
    tracks.album,
    tracks.album_id,
    plays.is_track_found_by_name,
    plays.ms_played,
    cast({{ heard_ms() }} as integer) as heard_ms,
    plays.is_length_known,
    plays.duration_ms,
    plays.is_skipped,
    plays.skip_confidence,
    plays.context_type,
    plays.context_uri,
    plays.is_undecided,
    plays.match_group,
    plays.load_id
from plays
left join tracks on plays.track_id = tracks.track_id
