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
    select
        track_id,
        artist_id
    from {{ ref('tracks') }}
),

artists as (
    select
        artist_id,
        genres
    from {{ ref('stg_spotify__artists') }}
),

-- a play counts for each genre of its artist, so shares may add up to more than one
genres as (
    select distinct
        artists.artist_id,
        genres.genre
    from artists
    cross join lateral jsonb_array_elements_text(artists.genres) as genres (genre)
),

counted as (
    select
        heard.period,
        genres.genre,
        cast(count(distinct genres.artist_id) filter (where heard.play_count > 0) as integer) as artist_count,
        {{ sums_of_sums() }}
    from heard
    inner join tracks on heard.track_id = tracks.track_id
    inner join genres on tracks.artist_id = genres.artist_id
    group by heard.period, genres.genre
),

{{ ranked_by_period('genre') }}

select
    ranked.period,
    ranked.place,
    ranked.rank,
    ranked.genre,
    ranked.artist_count,
    ranked.play_count,
    {{ minutes('ranked.heard_ms') }} as minutes,
    {{ minutes('ranked.estimated_ms') }} as estimated_minutes,
    ranked.share,
    ranked.first_heard_at,
    ranked.previous_rank,
    ranked.completeness
from ranked
