with

liked_tracks as (
    select
        track_id,
        liked_at
    from {{ ref('stg_spotify__liked_tracks') }}
),

removals as (
    select
        item_id,
        added_at,
        event,
        noticed_at
    from {{ ref('stg_spotify__library_removals') }}
    where kind = 'track'
),

-- An entry is a track with the time of its like: a like that came back after an un-like is another entry, so
-- its old removal does not reach it. Of events at one time `returned` wins: a like is never lost to a tie.
last_events as (
    select distinct on (item_id, added_at)
        item_id,
        added_at,
        event
    from removals
    order by item_id asc, added_at asc, noticed_at desc, event = 'returned' desc
)

select
    liked_tracks.track_id,
    liked_tracks.liked_at
from liked_tracks
left join last_events
    on
        liked_tracks.track_id = last_events.item_id
        and liked_tracks.liked_at = last_events.added_at
where last_events.event is distinct from 'removed'
