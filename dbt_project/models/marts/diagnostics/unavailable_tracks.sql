{{ config(materialized='view') }}

with

availability as (
    select
        track_id,
        market,
        is_playable,
        reason,
        linked_id,
        checked_at
    from {{ ref('int_track_availability') }}
),

library as (
    select track_id from {{ ref('int_liked_tracks') }}
    union
    select track_id from {{ ref('int_saved_album_tracks') }}
),

tracks as (
    select
        track_id,
        recording_id,
        title,
        artist,
        album
    from {{ ref('tracks') }}
),

-- Spotify's own substitute, else another edition of the recording that is known to be playable
editions as (
    select distinct on (ours.track_id)
        ours.track_id,
        others.track_id as playable_track_id,
        others.album as playable_album
    from tracks as ours
    inner join tracks as others on ours.recording_id = others.recording_id and ours.track_id <> others.track_id
    inner join availability on others.track_id = availability.track_id
    where availability.is_playable
    order by ours.track_id asc, others.track_id collate "C" asc
)

select
    availability.track_id,
    tracks.title,
    tracks.artist,
    tracks.album,
    availability.reason,
    availability.market,
    availability.checked_at,
    coalesce(availability.linked_id, editions.playable_track_id) as playable_track_id,
    case when availability.linked_id is null then editions.playable_album else linked.album end as playable_album
from availability
inner join library on availability.track_id = library.track_id
left join tracks on availability.track_id = tracks.track_id
left join tracks as linked on availability.linked_id = linked.track_id
left join editions on availability.track_id = editions.track_id
where not availability.is_playable
