{%- set playlist = {
    'title': 'Recently Un-liked',
    'description': 'No longer liked since lately: for whoever slipped with the thumb.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['unliked_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

removals as (
    select
        item_id as track_id,
        added_at,
        event,
        noticed_at
    from {{ ref('stg_spotify__library_removals') }}
    where kind = 'track'
),

-- of a like that went, came back and went again, the last event decides
last_events as (
    select distinct on (track_id)
        track_id,
        event,
        noticed_at
    from removals
    order by track_id asc, noticed_at desc, added_at desc, event = 'returned' desc
),

tracks as (
    select * from {{ ref('int_tracks') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

library as (
    select * from {{ ref('unified_tracks') }}
),

excluded_recordings as (
    select distinct track_recordings.recording_id
    from (select * from {{ ref('int_exclusions') }}) as exclusions
    inner join track_recordings on exclusions.track_id = track_recordings.track_id
),

-- what is neither liked nor on a saved album is not in unified_tracks any more
candidates as (
    select
        tracks.*,
        track_recordings.recording_id,
        last_events.noticed_at as unliked_at,
        false as is_liked,
        library.is_album_saved,
        library.is_playable,
        coalesce(library.is_refused, false) as is_refused,
        coalesce(library.track_play_count, 0) as track_play_count,
        coalesce(library.is_excluded, excluded_recordings.recording_id is not null) as is_excluded
    from last_events
    inner join tracks on last_events.track_id = tracks.track_id
    inner join track_recordings on last_events.track_id = track_recordings.track_id
    left join library on last_events.track_id = library.track_id
    left join excluded_recordings on track_recordings.recording_id = excluded_recordings.recording_id
    where
        last_events.event = 'removed'
        and library.is_liked is not true
        and {{ in_the_last(local_date('last_events.noticed_at'), var('recently_unliked_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
