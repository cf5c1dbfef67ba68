with

saved_albums as (
    select
        album_id,
        saved_at,
        album_total_tracks
    from {{ ref('stg_spotify__saved_albums') }}
),

removals as (
    select
        item_id,
        added_at,
        event,
        noticed_at
    from {{ ref('stg_spotify__library_removals') }}
    where kind = 'album'
),

-- as for likes: an entry is an album with the time of its saving, its latest event decides
last_events as (
    select distinct on (item_id, added_at)
        item_id,
        added_at,
        event
    from removals
    order by item_id asc, added_at asc, noticed_at desc, event = 'returned' desc
)

select
    saved_albums.album_id,
    saved_albums.saved_at,
    saved_albums.album_total_tracks
from saved_albums
left join last_events
    on
        saved_albums.album_id = last_events.item_id
        and saved_albums.saved_at = last_events.added_at
where last_events.event is distinct from 'removed'
