with

liked_tracks as (
    select
        track_id,
        liked_at
    from {{ ref('stg_spotify__liked_tracks') }}
),

removed_tracks as (
    select
        item_id,
        added_at
    from {{ ref('int_last_library_events') }}
    where kind = 'track' and event = 'removed'
)

select
    liked_tracks.track_id,
    liked_tracks.liked_at
from liked_tracks
left join removed_tracks
    on
        liked_tracks.track_id = removed_tracks.item_id
        and liked_tracks.liked_at = removed_tracks.added_at
where removed_tracks.item_id is null
