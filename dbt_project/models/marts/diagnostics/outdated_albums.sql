{{ config(materialized='view') }}

with

saved_albums as (
    select
        album_id,
        saved_at
    from {{ ref('int_saved_albums') }}
),

albums as (
    select
        album_id,
        album,
        artist,
        artist_id
    from {{ ref('stg_spotify__saved_albums') }}
),

album_tracks as (
    select
        album_id,
        track_id
    from {{ ref('int_saved_album_tracks') }}
),

availability as (
    select
        track_id,
        is_playable
    from {{ ref('int_track_availability') }}
),

artist_albums as (
    select
        album_id,
        artist_id,
        album,
        fetched_at
    from {{ ref('stg_spotify__artist_albums') }}
),

counted as (
    select
        album_tracks.album_id,
        cast(count(*) as integer) as track_count,
        cast(count(*) filter (where not availability.is_playable) as integer) as unplayable_track_count
    from album_tracks
    left join availability on album_tracks.track_id = availability.track_id
    group by album_tracks.album_id
),

-- what the artist's own list shows under the same name
editions as (
    select distinct on (albums.album_id)
        albums.album_id,
        artist_albums.album_id as newer_album_id,
        artist_albums.album as newer_album
    from albums
    inner join artist_albums
        on
            albums.artist_id = artist_albums.artist_id
            and {{ name_key('albums.album') }} = {{ name_key('artist_albums.album') }}
            and albums.album_id <> artist_albums.album_id
    order by albums.album_id asc, artist_albums.fetched_at desc, artist_albums.album_id collate "C" asc
),

final as (
    select
        saved_albums.album_id,
        albums.album,
        albums.artist,
        saved_albums.saved_at,
        case
            when counted.unplayable_track_count = counted.track_count then 'unplayable'
            when
                editions.newer_album_id is not null
                -- where the list has both of them, neither has taken the other's place
                and not exists (select 1 from artist_albums where artist_albums.album_id = albums.album_id)
                then 'replaced'
            when counted.unplayable_track_count > 0 then 'partly_unplayable'
        end as reason,
        editions.newer_album_id,
        editions.newer_album,
        counted.unplayable_track_count,
        counted.track_count
    from saved_albums
    inner join albums on saved_albums.album_id = albums.album_id
    inner join counted on saved_albums.album_id = counted.album_id
    left join editions on saved_albums.album_id = editions.album_id
)

select * from final
where reason is not null
