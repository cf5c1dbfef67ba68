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

named as (
    select
        heard.*,
        {{ heard_keys('heard') }},
        coalesce(tracks.title, heard.title) as known_title,
        coalesce(tracks.artist, heard.artist) as known_artist
    from heard
    left join tracks on heard.track_id = tracks.track_id
),

-- the edition that was played most in the period stands for its recording
counted as (
    select
        period,
        recording_key,
        (array_agg(track_key order by play_count desc, track_key collate "C"))[1] as track_key,
        (array_agg(known_title order by play_count desc, track_key collate "C"))[1] as title,
        (array_agg(known_artist order by play_count desc, track_key collate "C"))[1] as artist,
        {{ sums_of_sums() }}
    from named
    group by period, recording_key
),

{{ ranked_by_period('recording_key') }}

select
    ranked.period,
    ranked.place,
    ranked.rank,
    ranked.recording_key as recording_id,
    tracks.track_id,
    ranked.title,
    ranked.artist,
    tracks.artist_id,
    tracks.album,
    tracks.album_id,
    tracks.album_image_url,
    ranked.play_count,
    {{ minutes('ranked.heard_ms') }} as minutes,
    {{ minutes('ranked.estimated_ms') }} as estimated_minutes,
    ranked.share,
    ranked.first_heard_at,
    ranked.previous_rank,
    ranked.completeness
from ranked
left join tracks on ranked.track_key = tracks.track_id
