{%- set playlist = {
    'title': 'Back In Favour',
    'description': 'Quiet for half a year, and now played again.',
    'enabled': false,
    'limit': {'tracks': 50},
    'select_by': ['plays_again desc', 'returned_on desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

plays as (
    select
        track_id,
        local_date,
        {{ within_days('local_date', var('back_in_favour_days')) }} as is_recent
    from {{ ref('plays') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

returns as (
    select
        track_recordings.recording_id,
        count(*) filter (where plays.is_recent) as plays_again,
        min(plays.local_date) filter (where plays.is_recent) as returned_on,
        max(plays.local_date) filter (where not plays.is_recent) as left_on
    from plays
    inner join track_recordings on plays.track_id = track_recordings.track_id
    group by track_recordings.recording_id
),

candidates as (
    select
        tracks.*,
        returns.plays_again,
        returns.returned_on
    from {{ ref('unified_tracks') }} as tracks
    inner join returns on tracks.recording_id = returns.recording_id
    where
        returns.plays_again >= {{ var('back_in_favour_min_plays') }}
        and returns.returned_on - returns.left_on >= {{ var('back_in_favour_quiet_days') }}
),

{{ select_tracks(playlist) }}

select * from selection
