{%- set playlist = {
    'title': 'On This Day',
    'description': 'What was played on this day of the year in earlier years.',
    'limit': {'tracks': 50},
    'select_by': ['plays_on_this_day desc', 'play_count desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

tracks as (
    select * from {{ ref('unified_tracks') }}
),

plays as (
    select
        track_id,
        local_date
    from {{ ref('plays') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

this_day as (
    select
        track_recordings.recording_id,
        count(*) as plays_on_this_day
    from plays
    inner join track_recordings on plays.track_id = track_recordings.track_id
    where
        -- days, not parts of dates: each is found by index
        plays.local_date = any(array(
            select cast(earlier.day as date)
            from generate_series(1, 50) as ago (years)
            cross join lateral (select {{ local_today() }} - ago.years * interval '1 year' as day) as earlier
            -- on a 29 February only others of them
            where extract(day from earlier.day) = extract(day from {{ local_today() }})
        ))
    group by track_recordings.recording_id
),

candidates as (
    select
        tracks.*,
        this_day.plays_on_this_day
    from tracks
    inner join this_day on tracks.recording_id = this_day.recording_id
),

{{ select_tracks(playlist) }}

select * from selection
