with

playlists as (
    select playlist_id from {{ ref('stg_ops__playlists') }} where slug = 'exclusions'
),

items as (
    select
        playlist_id,
        track_id
    from {{ ref('stg_spotify__playlist_items') }}
),

tracker_exclusions as (
    select track_id from {{ ref('stg_export__tracker_exclusions') }}
),

-- local files and episodes have no track id, so they exclude nothing
excluded_here as (
    select items.track_id
    from items
    inner join playlists on items.playlist_id = playlists.playlist_id
    where items.track_id is not null
),

-- nobody can drag imported exclusions out of a playlist, so a var lifts all of them
excluded_before as (
    select track_id
    from tracker_exclusions
    where {{ var('keep_tracker_exclusions') }}
),

-- duplicates are one exclusion
final as (
    select track_id from excluded_here
    union
    select track_id from excluded_before
)

select * from final
