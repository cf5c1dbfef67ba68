with

playlists as (
    select playlist_id from {{ ref('stg_ops__playlists') }} where slug = 'exclusions'
),

items as (
    select
        playlist_id,
        track_id
    from {{ ref('stg_spotify__playlist_items') }}
)

-- duplicates are one exclusion; local files and episodes have no track id and exclude nothing
select distinct items.track_id
from items
inner join playlists on items.playlist_id = playlists.playlist_id
where items.track_id is not null
