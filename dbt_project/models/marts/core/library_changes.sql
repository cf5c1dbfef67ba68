-- it stays the same table: library_growth is a view on it
{{ config(materialized='table', meta={'stays': true}) }}

with

likes as (
    select
        track_id,
        liked_at
    from {{ ref('stg_spotify__liked_tracks') }}
),

albums as (
    select
        album_id,
        saved_at
    from {{ ref('stg_spotify__saved_albums') }}
),

removals as (
    select
        kind,
        item_id,
        added_at,
        event,
        noticed_at
    from {{ ref('stg_spotify__library_removals') }}
),

-- A removal holds the time at which its entry was added. Elsewhere it is lost where a later like has replaced the row.
additions as (
    select 'track' as kind, track_id as item_id, liked_at as changed_at from likes
    union
    select 'album' as kind, album_id as item_id, saved_at as changed_at from albums
    union
    select kind, item_id, added_at as changed_at from removals
),

changes as (
    select kind, item_id, 'added' as change, changed_at from additions
    union
    select kind, item_id, event as change, noticed_at as changed_at from removals
)

select
    cast(kind as text) as kind,
    cast(item_id as text) as item_id,
    cast(change as text) as change,
    changed_at,
    {{ local_date('changed_at') }} as local_date
from changes
where changed_at is not null
