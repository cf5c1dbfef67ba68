with

saved_albums as (
    select
        album_id,
        saved_at,
        album_total_tracks
    from {{ ref('stg_spotify__saved_albums') }}
),

removed_albums as (
    select
        item_id,
        added_at
    from {{ ref('int_last_library_events') }}
    where kind = 'album' and event = 'removed'
)

select
    saved_albums.album_id,
    saved_albums.saved_at,
    saved_albums.album_total_tracks
from saved_albums
left join removed_albums
    on
        saved_albums.album_id = removed_albums.item_id
        and saved_albums.saved_at = removed_albums.added_at
where removed_albums.item_id is null
