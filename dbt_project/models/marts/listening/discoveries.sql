{{ config(materialized='view') }}

with

track_months as (
    select
        local_month,
        track_key,
        track_id,
        artist
    from {{ ref('int_track_months') }}
    where play_count > 0
),

tracks as (
    select * from {{ ref('tracks') }}
),

months as (
    select
        month,
        recording_count,
        artist_count,
        completeness
    from {{ ref('listening_by_month') }}
),

named as (
    select
        track_months.local_month,
        {{ heard_keys('track_months') }}
    from track_months
    left join tracks on track_months.track_id = tracks.track_id
),

recordings as (
    select
        recording_key,
        min(local_month) as first_month
    from named
    group by recording_key
),

artists as (
    select
        artist_key,
        min(local_month) as first_month
    from named
    where artist_key is not null
    group by artist_key
),

new_recordings as (
    select
        first_month,
        cast(count(*) as integer) as found
    from recordings
    group by first_month
),

new_artists as (
    select
        first_month,
        cast(count(*) as integer) as found
    from artists
    group by first_month
)

select
    months.month,
    months.recording_count,
    coalesce(new_recordings.found, 0) as new_recordings,
    {{ share('coalesce(new_recordings.found, 0)', 'months.recording_count') }} as new_recording_share,
    months.artist_count,
    coalesce(new_artists.found, 0) as new_artists,
    {{ share('coalesce(new_artists.found, 0)', 'months.artist_count') }} as new_artist_share,
    months.completeness
from months
left join new_recordings on months.month = new_recordings.first_month
left join new_artists on months.month = new_artists.first_month
