-- the macros of match groups read it: without this dbt would build both at once
-- depends_on: {{ ref('int_match_versions') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[
        {'columns': ['match_group']},
        {'columns': ['played_at']},
        {'columns': ['track_id', 'played_at']},
        {'columns': ['(' ~ local_date('played_at') ~ ')']},
    ],
    pre_hook=[
        "{{ touch_days_of_changed_groups(source('ledgers', 'matched_groups').render()) }}",
        "{{ forget_changed_groups(source('ledgers', 'matched_groups').render()) }}",
        '{{ join_by_hash() }}',
    ],
    post_hook=[
        "{{ touch_days_of_changed_groups(source('ledgers', 'matched_groups').render()) }}",
        "{{ remember_matched_groups(source('ledgers', 'matched_groups').render()) }}",
        '{{ remember_data_version() }}',
    ],
) }}

{%- set by_end_of_report
    = 'partition by name_group, recording_id order by ended_at, source, report_id collate "C"' %}
{%- set tolerance = "interval '" ~ var('match_tolerance_s') ~ " seconds'" %}
{%- set double_report = "interval '" ~ var('double_report_s') ~ " seconds'" %}
{%- set shifted_report = "interval '" ~ var('shifted_report_s') ~ " seconds'" %}

with

tracks as (
    select
        track_key,
        match_group,
        name_group,
        recording_id,
        song_id,
        track_id,
        track_uri,
        is_track_found_by_name,
        duration_ms
    from {{ ref('int_match_groups') }}
    where {{ is_changed_group('match_group', match_ledger()) }}
),

reports as (
    select
        reports.*,
        tracks.match_group,
        tracks.name_group,
        tracks.recording_id,
        tracks.song_id,
        tracks.track_id as known_track_id,
        tracks.track_uri as known_track_uri,
        tracks.is_track_found_by_name,
        tracks.duration_ms as known_duration_ms
    from tracks
    inner join (select * from {{ ref('int_play_reports') }}) as reports on tracks.track_key = reports.track_key
    {%- if are_few_groups_changed(match_ledger()) %}
    where reports.track_key = any(array(select tracks.track_key from tracks))
    {%- endif %}
),

renamed_streams as (
    select
        renamed.report_id,
        renamed.minute,
        renamed.ms_played,
        renamed.is_mergeable,
        renamed.is_doubtful
    from tracks
    inner join (select * from {{ ref('int_renamed_streams') }}) as renamed on tracks.track_key = renamed.track_key
    {%- if are_few_groups_changed(match_ledger()) %}
    where renamed.track_key = any(array(select tracks.track_key from tracks))
    {%- endif %}
),

-- Reports of one name or recording are matched within a name_group. A match_group has several name_groups where exports
-- gave one stream several names.

-- 1. Extended exports against each other and against themselves. -------------------------------------------------

{{ extended_told_twice() }},

-- 2. One-year data, by itself and against extended exports. ------------------------------------------------------

{{ account_told_by_extended() }},

-- 3. Exports against each other, where their names differ. -------------------------------------------------------

{{ renamed_between_exports() }},

-- 4. Reports of the API, and of an older tracker that had asked the same API. --------------------------------------

-- The API shows no play of less than half a minute, so two of its reports of a track within that time are one event.
api_in_order as (
    select
        *,
        coalesce(ended_at - lag(ended_at) over same_track < {{ double_report }}, false) as is_double
    from reports
    where source in ('api', 'tracker')
    window same_track as ({{ by_end_of_report }})
),

api_islands as (
    select
        *,
        count(*) filter (where not is_double) over ({{ by_end_of_report }}) as island
    from api_in_order
),

api_reports as (
    select
        *,
        -- where the older tracker saw the event as well, the report of our own poll names it
        first_value(report_id) over (
            partition by name_group, recording_id, island order by source, ended_at, report_id collate "C"
        ) as event_id
    from api_islands
),

api_events as (
    select
        event_id,
        name_group,
        recording_id,
        track_key,
        known_duration_ms,
        ended_at,
        cast(floor(extract(epoch from ended_at) / 3600) as bigint) as hour,
        -- without an export, a shifted report looks the same as a repeat that was broken off
        coalesce(
            ended_at - lag(ended_at) over (
                partition by name_group, recording_id order by ended_at, event_id collate "C"
            ) < least(
                {{ shifted_report }},
                coalesce(known_duration_ms - 5000, 600000) * interval '1 millisecond'
            ),
            false
        ) as is_suspect
    from api_reports
    where report_id = event_id
),

-- 5. API against exports. ------------------------------------------------------------------------------------

exported_events as (
    select
        extended_events.event_id,
        extended_events.name_group,
        extended_events.recording_id,
        extended_events.track_key,
        extended_events.ms_played,
        extended_events.reported_at,
        extended_events.covered_since,
        extended_events.is_offline as may_be_late,
        extended_events.is_offline as is_late,
        extended_events.ended_at,
        extended_events.ended_before,
        extended_events.is_undecided
    from extended_events
    left join renamed_events on extended_events.event_id = renamed_events.event_id
    where coalesce(renamed_events.kept_id = extended_events.event_id, true)
    union all
    select
        account_reports.report_id as event_id,
        account_reports.name_group,
        account_reports.recording_id,
        account_reports.track_key,
        account_reports.ms_played,
        account_reports.reported_at,
        account_reports.covered_since,
        -- one-year data does not say whether a stream was made offline
        true as may_be_late,
        account_reports.is_late_report as is_late,
        account_reports.ended_at,
        account_reports.ended_at + interval '1 minute' as ended_before,
        account_reports.is_undecided
    from account_reports
    left join account_pairs on account_reports.report_id = account_pairs.left_id
    left join renamed_events on account_reports.event_id = renamed_events.event_id
    where
        account_pairs.left_id is null
        and account_reports.report_id = account_reports.event_id
        and coalesce(renamed_events.kept_id = account_reports.event_id, true)
),

-- Joined by the hour and its neighbours: to compare every report of a song with every other would cost the square of
-- its plays. It is materialized for the same reason.
api_hours as materialized (
    select
        api_events.*,
        api_events.hour + step.hours as near_hour
    from api_events
    cross join generate_series(-1, 1) as step (hours)
),

neighbours as (
    select
        api_hours.event_id as api_id,
        exported_events.event_id as export_id,
        api_hours.ended_at as reported_at,
        exported_events.ended_at,
        exported_events.ended_before,
        exported_events.ended_at - coalesce(exported_events.ms_played, 0) * interval '1 millisecond' as began_at,
        case
            when exported_events.track_key = api_hours.track_key then 0
            when exported_events.recording_id = api_hours.recording_id then 1
            else 2
        end
        + case when exported_events.ms_played < 30000 then 20 else 0 end as handicap_s
    from api_hours
    inner join exported_events
        on
            api_hours.name_group = exported_events.name_group
            and api_hours.near_hour
            = cast(floor(extract(epoch from exported_events.ended_at) / 3600) as bigint)
),

measured as (
    select
        *,
        greatest(
            0,
            extract(epoch from ended_at - reported_at),
            extract(epoch from reported_at - ended_before)
        ) as to_end_s,
        abs(extract(epoch from reported_at - began_at)) as to_beginning_s
    from neighbours
),

api_candidates as (
    select
        api_id as left_id,
        export_id as right_id,
        -- mostly played_at is the end of the play; some clients stamped its beginning, and a pause puts it in between
        least(to_end_s, to_beginning_s + 30) + handicap_s as cost
    from measured
    where
        to_end_s <= {{ var('match_tolerance_s') }}
        or (
            reported_at >= began_at - interval '5 seconds'
            and reported_at <= ended_before + {{ tolerance }}
        )
),

{{ nearest_pairs('api', 'api_candidates') }},

-- An export has every stream, so a further report of the API of one of them is a shifted report of the same event.
shifted_reports as (
    select distinct on (measured.api_id)
        measured.api_id,
        measured.export_id
    from measured
    left join api_pairs on measured.api_id = api_pairs.left_id
    where
        api_pairs.left_id is null
        and measured.reported_at between
        measured.ended_at - {{ double_report }} and measured.ended_before + {{ shifted_report }}
    order by measured.api_id, measured.to_end_s + measured.handicap_s, measured.export_id collate "C"
),

lone_events as (
    select api_events.*
    from api_events
    left join api_pairs on api_events.event_id = api_pairs.left_id
    left join shifted_reports on api_events.event_id = shifted_reports.api_id
    where api_pairs.left_id is null and shifted_reports.api_id is null
),

-- 6. Uploads. ----------------------------------------------------------------------------------------------------

{{ uploads_told_late() }},

-- 7. Every report gets its event; the report that knows most gives the event its id. ------------------

links as (
    select
        exported_reports.report_id,
        coalesce(renamed_events.kept_id, exported_reports.event_id) as listen_id
    from exported_reports
    left join renamed_events on exported_reports.event_id = renamed_events.event_id
    union all
    select
        api_reports.report_id,
        coalesce(api_pairs.right_id, shifted_reports.export_id, late_pairs.right_id, api_reports.event_id)
            as listen_id
    from api_reports
    left join api_pairs on api_reports.event_id = api_pairs.left_id
    left join shifted_reports on api_reports.event_id = shifted_reports.api_id
    left join late_pairs on api_reports.event_id = late_pairs.left_id
),

doubtful_events as (
    -- where the API saw both ends there were two events, so these are not doubtful
    select exported_events.event_id
    from exported_events
    left join api_pairs on exported_events.event_id = api_pairs.right_id
    where exported_events.is_undecided and api_pairs.right_id is null
    union
    select lone_events.event_id
    from lone_events
    left join late_pairs on lone_events.event_id = late_pairs.left_id
    where lone_events.is_suspect and late_pairs.left_id is null
    union
    -- it may be a late report of what the API saw before the period that the file covers
    select right_id as event_id
    from late_leftovers
    union
    -- there were so many uploads that not all of them found their stream
    select left_id as event_id
    from late_leftovers
    where is_covered
    union
    -- only the report of the API suggests that it was late: it may be a listen of its own
    select late_pairs.right_id as event_id
    from late_pairs
    inner join exported_events on late_pairs.right_id = exported_events.event_id
    where not exported_events.is_late
    union
    -- another export may have it under another name
    select event_id
    from renamed_doubts
),

-- almost every event has one report
events as (
    select
        links.listen_id,
        to_jsonb(array_agg(distinct reports.source)) as reported_by,
        jsonb_agg(reports.report_id order by reports.report_id collate "C") as report_ids,
        min(reports.ended_at) filter (where reports.source in ('api', 'tracker')) as api_played_at,
        min(reports.track_uri collate "C") filter (where reports.source in ('api', 'tracker')) as api_track_uri,
        max(reports.known_duration_ms) filter (where reports.source in ('api', 'tracker')) as api_duration_ms,
        -- another export may have what the report that names the event lacks
        -- a stream of 0 ms that is part of it ended when it began
        coalesce(
            min(reports.ended_at) filter (
                where reports.source = 'extended' and reports.is_late_report and reports.ms_played > 0
            ),
            min(reports.ended_at) filter (where reports.source = 'extended' and reports.is_late_report)
        ) as offline_ended_at,
        bool_or(reports.is_offline) as is_offline,
        bool_or(reports.is_skipped) as is_skipped,
        min(reports.skip_confidence collate "C") as skip_confidence,
        min(reports.reason_start collate "C") as reason_start,
        min(reports.reason_end collate "C") as reason_end,
        min(reports.context_type collate "C") as context_type,
        min(reports.context_uri collate "C") as context_uri
    from links
    inner join reports on links.report_id = reports.report_id
    group by links.listen_id
),

named_events as (
    select
        events.listen_id,
        named.source,
        events.reported_by,
        events.report_ids,
        case
            -- the API saw the end itself, which is better than the time of an upload, or a minute
            when named.is_late_report or named.is_minute_precision or events.is_offline
                then coalesce(
                    events.api_played_at,
                    case when named.is_late_report then named.ended_at end,
                    events.offline_ended_at,
                    named.ended_at
                )
            else named.ended_at
        end as played_at,
        -- one-year data has only a name; where the API saw the stream, too, the track itself is known
        case
            when named.track_uri is not null or events.api_track_uri is null then named.known_track_id
            when events.api_track_uri like 'spotify:track:%' then split_part(events.api_track_uri, ':', 3)
        end as track_id,
        coalesce(named.track_uri, events.api_track_uri, named.known_track_uri) as track_uri,
        named.is_track_found_by_name and events.api_track_uri is null as is_track_found_by_name,
        named.title,
        named.artist,
        named.ms_played,
        named.ms_played is not null as is_length_known,
        case
            when named.track_uri is null then coalesce(events.api_duration_ms, named.known_duration_ms)
            else named.known_duration_ms
        end as duration_ms,
        coalesce(named.is_skipped, events.is_skipped) as is_skipped,
        case when named.is_skipped is null then events.skip_confidence else named.skip_confidence end
            as skip_confidence,
        coalesce(named.reason_start, events.reason_start) as reason_start,
        coalesce(named.reason_end, events.reason_end) as reason_end,
        named.is_shuffled,
        events.is_offline,
        named.is_incognito,
        named.is_video,
        named.platform,
        named.country,
        events.context_type,
        events.context_uri,
        case
            when doubtful_events.event_id is not null then 'event'
            -- only the upload is known: the stream ended then or before
            when
                events.api_played_at is null
                and (
                    named.is_late_report and named.source = 'account'
                    or events.is_offline and not named.is_late_report and events.offline_ended_at is null
                )
                then 'time'
            when late_swaps.event_id is not null then 'length'
        end as undecided_about,
        named.match_group,
        named.load_id
    from events
    inner join reports as named on events.listen_id = named.report_id
    left join doubtful_events on events.listen_id = doubtful_events.event_id
    left join late_swaps on events.listen_id = late_swaps.event_id
)

select
    *,
    undecided_about is not null as is_undecided
from named_events
