{{ config(materialized='view') }}

with

track_months as (
    select * from {{ ref('int_track_months') }}
    where play_count > 0
),

tracks as (
    select * from {{ ref('tracks') }}
),

months as (
    select
        month,
        play_count,
        completeness
    from {{ ref('listening_by_month') }}
),

named as (
    select
        track_months.*,
        {{ heard_keys('track_months') }},
        tracks.artist_id,
        coalesce(tracks.artist, track_months.artist) as known_artist
    from track_months
    left join tracks on track_months.track_id = tracks.track_id
),

counted as (
    select
        local_month,
        artist_key,
        min(artist_id) as artist_id,
        (array_agg(known_artist order by play_count desc, track_key collate "C"))[1] as artist,
        {{ sums_of_sums() }}
    from named
    where artist_key is not null
    group by local_month, artist_key
),

-- of equal counts the one that was heard longer, then the lower key
first_of_month as (
    select distinct on (local_month) *
    from counted
    order by local_month asc, play_count desc, heard_ms desc, artist_key collate "C" asc
)

select
    first_of_month.local_month as month,
    first_of_month.artist_key,
    first_of_month.artist_id,
    first_of_month.artist,
    first_of_month.play_count,
    {{ minutes('first_of_month.heard_ms') }} as minutes,
    {{ minutes('first_of_month.estimated_ms') }} as estimated_minutes,
    {{ share('first_of_month.play_count', 'months.play_count') }} as share,
    months.completeness
from first_of_month
inner join months on first_of_month.local_month = months.month
