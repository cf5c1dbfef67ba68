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
        tracks.album_id,
        tracks.album,
        tracks.album_artist,
        tracks.album_image_url
    from heard
    left join tracks on heard.track_id = tracks.track_id
),

counted as (
    select
        period,
        album_key,
        min(album_id) as album_id,
        min(album collate "C") as album,
        min(album_artist collate "C") as artist,
        min(album_image_url collate "C") as album_image_url,
        cast(count(distinct recording_key) filter (where play_count > 0) as integer) as recording_count,
        {{ sums_of_sums() }}
    from named
    group by period, album_key
),

{{ ranked_by_period('album_key') }}

select
    ranked.period,
    ranked.place,
    ranked.rank,
    ranked.album_key,
    ranked.album_id,
    ranked.album,
    ranked.artist,
    ranked.album_image_url,
    ranked.recording_count,
    ranked.play_count,
    {{ minutes('ranked.heard_ms') }} as minutes,
    {{ minutes('ranked.estimated_ms') }} as estimated_minutes,
    ranked.share,
    ranked.first_heard_at,
    ranked.previous_rank,
    ranked.completeness
from ranked
