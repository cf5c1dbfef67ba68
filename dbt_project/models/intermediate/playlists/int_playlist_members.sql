{{ config(tags=['playlists']) }}

with

playlists as (
    select
        slug,
        playlist_id
    from {{ ref('stg_ops__playlists') }}
    where playlist_id is not null and slug <> 'exclusions'
),

items as (
    select
        playlist_id,
        track_id
    from {{ ref('stg_spotify__playlist_items') }}
    where track_id is not null
),

pushes as (
    select
        push_id,
        playlist_id,
        after_uris
    from {{ ref('stg_ops__playlist_pushes') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

-- extract never reads our own playlists: they hold what the last push left there
last_pushes as (
    select distinct on (pushes.playlist_id)
        pushes.playlist_id,
        pushes.after_uris
    from pushes
    inner join playlists on pushes.playlist_id = playlists.playlist_id
    order by pushes.playlist_id asc, pushes.push_id desc
),

members_of_ours as (
    select
        last_pushes.playlist_id,
        split_part(entry.value ->> 'uri', ':', 3) as track_id
    from last_pushes
    cross join lateral jsonb_array_elements(last_pushes.after_uris) as entry (value)
    where entry.value ->> 'uri' like 'spotify:track:%'
),

members_of_the_users as (
    select
        items.playlist_id,
        items.track_id
    from items
    left join playlists on items.playlist_id = playlists.playlist_id
    where playlists.playlist_id is null
),

members as (
    select * from members_of_ours
    union
    select * from members_of_the_users
)

select
    members.playlist_id,
    members.track_id,
    track_recordings.recording_id
from members
left join track_recordings on members.track_id = track_recordings.track_id
