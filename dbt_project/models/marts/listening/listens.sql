-- a view: int_listens keeps the rows and their key; what joins names and recordings to them would age in a table
{{ config(materialized='view') }}

with

listens as (
    select * from {{ ref('int_listens') }}
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
    listens.listen_id,
    listens.source,
    listens.reported_by,
    listens.report_ids,
    listens.played_at,
    {{ local_date('listens.played_at') }} as local_date,
    listens.track_id,
    listens.track_uri,
    tracks.recording_id,
    coalesce(tracks.title, listens.title) as title,
    coalesce(tracks.artist, listens.artist) as artist,
    tracks.artist_id,
    tracks.album,
    tracks.album_id,
    listens.is_track_found_by_name,
    listens.ms_played,
    cast({{ heard_ms() }} as integer) as heard_ms,
    listens.is_length_known,
    listens.duration_ms,
    listens.is_skipped,
    listens.skip_confidence,
    listens.reason_start,
    listens.reason_end,
    listens.is_shuffled,
    listens.is_offline,
    listens.is_incognito,
    listens.is_video,
    listens.platform,
    listens.country,
    listens.context_type,
    listens.context_uri,
    listens.is_undecided,
    listens.undecided_about,
    listens.match_group,
    listens.load_id
from listens
left join tracks on listens.track_id = tracks.track_id
