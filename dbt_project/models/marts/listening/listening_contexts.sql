-- a view: only the API tells contexts, and a query adds them up
{{ config(materialized='view') }}

with

plays as (
    select
        context_uri,
        context_type,
        track_id,
        track_uri,
        played_at,
        ms_played,
        duration_ms
    from {{ ref('int_plays') }}
    where context_uri is not null and played_at <= {{ as_of() }}
),

tracks as (
    select
        track_id,
        recording_id,
        album,
        album_id
    from {{ ref('tracks') }}
),

our_playlists as (
    select
        playlist_id,
        slug,
        name
    from {{ ref('stg_ops__playlists') }}
),

playlists as (
    select
        playlist_id,
        name
    from {{ ref('stg_spotify__playlists') }}
),

artists as (
    select
        artist_id,
        name
    from {{ ref('stg_spotify__artists') }}
),

albums as (
    select
        album_id,
        min(album collate "C") as name
    from tracks
    group by album_id
),

contexts as (
    select
        plays.context_uri,
        min(plays.context_type) as context_type,
        -- older playlists are spotify:user:<name>:playlist:<id>
        reverse(split_part(reverse(plays.context_uri), ':', 1)) as context_id,
        cast(count(*) as integer) as play_count,
        cast(sum(coalesce(plays.ms_played, plays.duration_ms, 0)) as bigint) as heard_ms,
        cast(coalesce(sum(plays.duration_ms) filter (where plays.ms_played is null), 0) as bigint) as estimated_ms,
        cast(count(distinct coalesce(tracks.recording_id, plays.track_uri)) as integer) as recording_count,
        min(plays.played_at) as first_played_at,
        max(plays.played_at) as last_played_at
    from plays
    left join tracks on plays.track_id = tracks.track_id
    group by plays.context_uri
)

select
    contexts.context_uri,
    contexts.context_type,
    our_playlists.slug,
    case contexts.context_type
        when 'playlist' then coalesce(our_playlists.name, playlists.name)
        when 'album' then albums.name
        when 'artist' then artists.name
    end as name,
    contexts.play_count,
    {{ minutes('contexts.heard_ms') }} as minutes,
    {{ minutes('contexts.estimated_ms') }} as estimated_minutes,
    contexts.recording_count,
    contexts.first_played_at,
    contexts.last_played_at,
    {{ share('contexts.play_count', 'sum(contexts.play_count) over ()') }} as share
from contexts
left join our_playlists on contexts.context_type = 'playlist' and contexts.context_id = our_playlists.playlist_id
left join playlists on contexts.context_type = 'playlist' and contexts.context_id = playlists.playlist_id
left join albums on contexts.context_type = 'album' and contexts.context_id = albums.album_id
left join artists on contexts.context_type = 'artist' and contexts.context_id = artists.artist_id
