{%- set playlist = {
    'title': 'Back In Favour',
    'description': 'Quiet for half a year, and now played again.',
    'enabled': false,
    'limit': {'tracks': 50},
    'select_by': ['plays_again desc', 'returned_on desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

recent as (
    select
        track_recordings.recording_id,
        count(*) as plays_again,
        min(plays.local_date) as returned_on
    from (select * from {{ ref('plays') }}) as plays
    inner join track_recordings on plays.track_id = track_recordings.track_id
    where {{ in_the_last('plays.local_date', var('back_in_favour_days')) }}
    group by track_recordings.recording_id
    having count(*) >= {{ var('back_in_favour_min_plays') }}
),

recent_tracks as (
    select
        recent.recording_id,
        track_recordings.track_id
    from recent
    inner join track_recordings on recent.recording_id = track_recordings.recording_id
),

-- of these few alone it is asked when they were heard before: per track one look into the index
earlier as (
    select
        recent_tracks.recording_id,
        max((
            select plays.local_date
            from (select * from {{ ref('plays') }}) as plays
            where
                plays.track_id = recent_tracks.track_id
                and {{ before_the_last('plays.local_date', var('back_in_favour_days')) }}
            order by plays.played_at desc
            limit 1
        )) as left_on
    from recent_tracks
    group by recent_tracks.recording_id
),

returns as (
    select
        recent.recording_id,
        recent.plays_again,
        recent.returned_on,
        earlier.left_on
    from recent
    inner join earlier on recent.recording_id = earlier.recording_id
),

candidates as (
    select
        tracks.*,
        returns.plays_again,
        returns.returned_on
    from (select * from {{ ref('unified_tracks') }}) as tracks
    inner join returns on tracks.recording_id = returns.recording_id
    where returns.returned_on - returns.left_on >= {{ var('back_in_favour_quiet_days') }}
),

{{ select_tracks(playlist) }}

select * from selection
