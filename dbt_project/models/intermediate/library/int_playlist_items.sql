with

items as (
    select
        playlist_id,
        position,
        snapshot_id,
        uri,
        added_at,
        track_id
    from {{ ref('stg_spotify__playlist_items') }}
)

select * from items
