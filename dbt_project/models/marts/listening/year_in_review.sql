{{ config(materialized='view') }}

{%- set shown = 5 %}

with

summary as (
    select * from {{ ref('listening_summary') }}
    where period_kind = 'year'
),

top_tracks as (
    select * from {{ ref('top_tracks') }}
    where place = 1
),

top_artists as (
    select * from {{ ref('top_artists') }}
    where place = 1
),

top_albums as (
    select * from {{ ref('top_albums') }}
    where place = 1
),

top_genres as (
    select * from {{ ref('top_genres') }}
    where place = 1
),

discoveries as (
    select
        cast(extract(year from month) as integer) as year,
        sum(new_recordings) as new_recordings,
        sum(new_artists) as new_artists
    from {{ ref('discoveries') }}
    group by extract(year from month)
),

calendar as (
    select
        local_date,
        year,
        weekday,
        play_count
    from {{ ref('calendar') }}
    where play_count > 0
),

daily_listening as (
    select
        local_date,
        plays_by_hour
    from {{ ref('daily_listening') }}
),

track_months as (
    select * from {{ ref('int_track_months') }}
    where play_count > 0
),

tracks as (
    select * from {{ ref('tracks') }}
),

busiest_days as (
    select distinct on (year)
        year,
        local_date,
        play_count
    from calendar
    order by year asc, play_count desc, local_date asc
),

hours as (
    select
        extract(year from daily_listening.local_date) as year,
        clock.hour,
        sum(cast(daily_listening.plays_by_hour ->> clock.hour as integer)) as play_count
    from daily_listening
    cross join generate_series(0, 23) as clock (hour)
    group by extract(year from daily_listening.local_date), clock.hour
),

favourite_hours as (
    select distinct on (year)
        year,
        hour
    from hours
    order by year asc, play_count desc, hour asc
),

weekdays as (
    select
        year,
        weekday,
        sum(play_count) as play_count
    from calendar
    group by year, weekday
),

favourite_weekdays as (
    select distinct on (year)
        year,
        weekday
    from weekdays
    order by year asc, play_count desc, weekday asc
),

named as (
    select
        track_months.local_month,
        cast(extract(year from track_months.local_month) as integer) as year,
        track_months.track_key,
        track_months.play_count,
        track_months.first_played_at,
        track_months.last_played_at,
        {{ heard_keys('track_months') }},
        coalesce(tracks.title, track_months.title) as known_title,
        coalesce(tracks.artist, track_months.artist) as known_artist
    from track_months
    left join tracks on track_months.track_id = tracks.track_id
),

recording_months as (
    select
        year,
        local_month,
        recording_key,
        (array_agg(known_title order by play_count desc, track_key collate "C"))[1] as title,
        (array_agg(known_artist order by play_count desc, track_key collate "C"))[1] as artist,
        cast(sum(play_count) as integer) as play_count,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at
    from named
    group by year, local_month, recording_key
),

first_plays as (
    select distinct on (year)
        year,
        title,
        artist,
        first_played_at
    from recording_months
    order by year asc, first_played_at asc, recording_key collate "C" asc
),

-- 1. Heard over and over in one month. ----------------------------------------------------------------------------

months_by_plays as (
    select
        *,
        row_number() over (
            partition by year order by play_count desc, local_month asc, recording_key collate "C" asc
        ) as place
    from recording_months
    where play_count >= {{ var('obsession_min_plays_7d') }}
),

obsessions as (
    select
        year,
        jsonb_agg(
            jsonb_build_object('month', local_month, 'title', title, 'artist', artist, 'play_count', play_count)
            order by place
        ) as obsessions
    from months_by_plays
    where place <= {{ shown }}
    group by year
),

-- 2. Played in the year before, and not once in this one. -------------------------------------------------------------

recording_years as (
    select
        year,
        recording_key,
        (array_agg(title order by local_month desc))[1] as title,
        (array_agg(artist order by local_month desc))[1] as artist,
        cast(sum(play_count) as integer) as play_count
    from recording_months
    group by year, recording_key
),

unheard as (
    select
        before.year + 1 as year,
        before.title,
        before.artist,
        before.play_count,
        row_number() over (
            partition by before.year order by before.play_count desc, before.recording_key collate "C" asc
        ) as place
    from recording_years as before
    left join recording_years as since
        on before.recording_key = since.recording_key and since.year = before.year + 1
    where since.recording_key is null
),

forgotten as (
    select
        year,
        jsonb_agg(
            jsonb_build_object('title', title, 'artist', artist, 'play_count', play_count) order by place
        ) as forgotten
    from unheard
    where place <= {{ shown }}
    group by year
),

-- 3. Heard again after a year of silence, or more. --------------------------------------------------------------------

pauses as (
    select
        *,
        {{ local_date('first_played_at') }}
        - {{ local_date('lag(last_played_at) over (partition by recording_key order by local_month)') }} as quiet_days
    from recording_months
),

returns as (
    select
        *,
        row_number() over (partition by year order by quiet_days desc, recording_key collate "C" asc) as place
    from pauses
    where quiet_days >= 365
),

refound as (
    select
        year,
        jsonb_agg(
            jsonb_build_object('title', title, 'artist', artist, 'quiet_days', quiet_days) order by place
        ) as refound
    from returns
    where place <= {{ shown }}
    group by year
)

select
    cast(summary.period as integer) as year,
    summary.play_count,
    summary.minutes,
    summary.estimated_minutes,
    summary.recording_count,
    summary.artist_count,
    summary.album_count,
    summary.days_with_plays,
    summary.longest_streak_days,
    summary.skip_rate,
    summary.completeness,
    top_tracks.title as top_track,
    top_tracks.artist as top_track_artist,
    top_tracks.play_count as top_track_plays,
    top_artists.artist as top_artist,
    top_artists.play_count as top_artist_plays,
    top_albums.album as top_album,
    top_albums.artist as top_album_artist,
    top_albums.play_count as top_album_plays,
    top_genres.genre as top_genre,
    first_plays.title as first_track,
    first_plays.artist as first_track_artist,
    first_plays.first_played_at,
    cast(coalesce(discoveries.new_recordings, 0) as integer) as new_recordings,
    cast(coalesce(discoveries.new_artists, 0) as integer) as new_artists,
    busiest_days.local_date as most_played_day,
    busiest_days.play_count as most_played_day_plays,
    favourite_hours.hour as favourite_hour,
    favourite_weekdays.weekday as favourite_weekday,
    coalesce(obsessions.obsessions, '[]') as obsessions,
    coalesce(forgotten.forgotten, '[]') as forgotten,
    coalesce(refound.refound, '[]') as refound
from summary
left join top_tracks on summary.period = top_tracks.period
left join top_artists on summary.period = top_artists.period
left join top_albums on summary.period = top_albums.period
left join top_genres on summary.period = top_genres.period
left join first_plays on cast(summary.period as integer) = first_plays.year
left join discoveries on cast(summary.period as integer) = discoveries.year
left join busiest_days on cast(summary.period as integer) = busiest_days.year
left join favourite_hours on cast(summary.period as integer) = favourite_hours.year
left join favourite_weekdays on cast(summary.period as integer) = favourite_weekdays.year
left join obsessions on cast(summary.period as integer) = obsessions.year
left join forgotten on cast(summary.period as integer) = forgotten.year
left join refound on cast(summary.period as integer) = refound.year
