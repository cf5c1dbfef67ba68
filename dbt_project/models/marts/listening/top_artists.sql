{{ config(materialized='view') }}

with

periods as (
    select * from {{ ref('int_periods') }}
),

heard as (
    select * from {{ ref('int_period_tracks') }}
),

calendar as (
    select
        local_date,
        completeness
    from {{ ref('calendar') }}
),

tracks as (
    select * from {{ ref('tracks') }}
),

artists as (
    select
        artist_id,
        image_url
    from {{ ref('stg_spotify__artists') }}
),

named as (
    select
        heard.*,
        {{ heard_keys('heard') }},
        tracks.artist_id,
        coalesce(tracks.artist, heard.artist) as known_artist
    from heard
    left join tracks on heard.track_id = tracks.track_id
),

counted as (
    select
        period,
        artist_key,
        min(artist_id) as artist_id,
        -- an artist may have two names, an older one in exports: the one that was played most
        (array_agg(known_artist order by play_count desc, track_key collate "C"))[1] as artist,
        cast(count(distinct recording_key) filter (where play_count > 0) as integer) as recording_count,
        {{ sums_of_sums() }}
    from named
    group by period, artist_key
),

{{ ranked_by_period('artist_key') }}

select
    ranked.period,
    ranked.place,
    ranked.rank,
    ranked.artist_key,
    ranked.artist_id,
    ranked.artist,
    artists.image_url,
    ranked.recording_count,
    ranked.play_count,
    {{ minutes('ranked.heard_ms') }} as minutes,
    {{ minutes('ranked.estimated_ms') }} as estimated_minutes,
    ranked.share,
    ranked.first_heard_at,
    ranked.previous_rank,
    ranked.completeness
from ranked
left join artists on ranked.artist_id = artists.artist_id
