{{ config(materialized='table', indexes=[{'columns': ['recording_id'], 'unique': true}]) }}

with

-- counts of all time, which int_recording_totals makes again only where something changed
totals as (
    select * from {{ ref('int_recording_totals') }}
    where recording_id is not null
),

-- windows move with the day, so they are counted in every build: over one year, however long the history is
plays as (
    select
        track_id,
        local_date
    from {{ ref('int_plays') }}
    where played_at > {{ as_of() }} - interval '367 days' and played_at <= {{ as_of() }}
),

-- joined here and never stored with the plays: a recording may be merged or split at any time
track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

tracks_in_windows as (
    select
        {%- for days in [7, 30, 90, 365] %}
        count(*) filter (where {{ in_the_last('local_date', days) }}) as plays_{{ days }}d,
        {%- endfor %}
        track_id
    from plays
    group by track_id
),

windows as (
    select
        {%- for days in [7, 30, 90, 365] %}
        cast(sum(tracks_in_windows.plays_{{ days }}d) as integer) as plays_{{ days }}d,
        {%- endfor %}
        track_recordings.recording_id
    from tracks_in_windows
    inner join track_recordings on tracks_in_windows.track_id = track_recordings.track_id
    group by track_recordings.recording_id
)

select
    totals.recording_id,
    totals.play_count,
    {%- for days in [7, 30, 90, 365] %}
    coalesce(windows.plays_{{ days }}d, 0) as plays_{{ days }}d,
    {%- endfor %}
    totals.first_played_at,
    totals.last_played_at,
    totals.days_played,
    totals.max_plays_in_a_day,
    totals.ms_played,
    totals.skip_count,
    totals.skip_count / nullif(cast(totals.known_end_count as double precision), 0) as skip_rate
from totals
left join windows on totals.recording_id = windows.recording_id
