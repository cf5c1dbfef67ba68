{%- set columns = [
    'track_id', 'track_uri', 'title', 'artist', 'artist_id', 'artists', 'track_number', 'disc_number', 'duration_ms',
    'explicit', 'isrc', 'popularity', 'album', 'album_artist', 'album_id', 'album_type', 'album_total_tracks',
    'album_image_url', 'release_date', 'release_precision'
] -%}

{{ config(materialized='table', indexes=[{'columns': ['track_id'], 'unique': true}, {'columns': ['album_id']}]) }}

with

liked_tracks as (
    select {{ columns | join(', ') }} from {{ ref('stg_spotify__liked_tracks') }}
),

saved_album_tracks as (
    select {{ columns | join(', ') }}, saved_album_id from {{ ref('stg_spotify__saved_album_tracks') }}
),

played_tracks as (
    select {{ columns | join(', ') }} from {{ ref('int_played_tracks') }}
),

playlist_tracks as (
    select
        'spotify:track:' || track_id as track_uri,
        {{ columns | reject('equalto', 'track_uri') | join(', ') }},
        playlist_id,
        position
    from {{ ref('stg_spotify__playlist_items') }}
    where track_id is not null
),

exported_tracks as (
    select
        track_id,
        track_uri,
        title,
        artist,
        cast(null as text) as artist_id,
        case when artist is null then '[]' else jsonb_build_array(artist) end as artists,
        cast(null as integer) as track_number,
        cast(null as integer) as disc_number,
        duration_ms,
        cast(null as boolean) as explicit,
        cast(null as text) as isrc,
        cast(null as integer) as popularity,
        album,
        cast(null as text) as album_artist,
        cast(null as text) as album_id,
        cast(null as text) as album_type,
        cast(null as integer) as album_total_tracks,
        cast(null as text) as album_image_url,
        cast(null as date) as release_date,
        cast(null as text) as release_precision
    from {{ ref('int_reported_tracks') }}
    where track_id is not null
),

-- `source_rank`: the library's answer about a track is newer than that of a play
sightings as (
    select {{ columns | join(', ') }}, 1 as source_rank, '' as tie from liked_tracks
    union all
    select {{ columns | join(', ') }}, 2 as source_rank, saved_album_id as tie from saved_album_tracks
    union all
    select {{ columns | join(', ') }}, 3 as source_rank, '' as tie from played_tracks
    union all
    select {{ columns | join(', ') }}, 4 as source_rank, playlist_id || ' ' || position as tie from playlist_tracks
    union all
    select {{ columns | join(', ') }}, 5 as source_rank, '' as tie from exported_tracks
)

-- Each fact comes from the first source that has it: a song that was taken down has no name in the library any more, a
-- track embedded in a saved album has no ISRC and no popularity, and an export has little more than names.
select
    track_id,
    min(track_uri) as track_uri,
    {{ known_facts('source_rank, tie collate "C"') }},
    (array_agg(popularity order by popularity is null, source_rank, tie collate "C"))[1] as popularity
from sightings
group by track_id
