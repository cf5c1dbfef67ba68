-- the macros of match groups read it: without this dbt would build both at once
-- depends_on: {{ ref('int_match_versions') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[{'columns': ['match_group']}, {'columns': ['played_at']}, {'columns': ['track_id']}],
    pre_hook=[
        '{{ touch_days_of_changed_groups(match_ledger()) }}',
        '{{ forget_changed_groups(match_ledger()) }}',
    ],
    post_hook=[
        '{{ touch_days_of_changed_groups(match_ledger()) }}',
        '{{ remember_matched_groups() }}',
        '{{ remember_definition() }}',
    ],
) }}

{%- set tolerance = "interval '" ~ var('match_tolerance_s') ~ " seconds'" %}
{%- set double_report = "interval '" ~ var('double_report_s') ~ " seconds'" %}
{%- set shifted_report = "interval '" ~ var('shifted_report_s') ~ " seconds'" %}

with

tracks as (
    select
        track_key,
        match_group,
        recording_id,
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
        tracks.recording_id,
        tracks.track_id as known_track_id,
        tracks.track_uri as known_track_uri,
        tracks.is_track_found_by_name,
        tracks.duration_ms as known_duration_ms
    from tracks
    inner join {{ ref('int_play_reports') }} as reports on tracks.track_key = reports.track_key
),

-- 1. Extended exports against themselves. -----------------------------------------------------------------------

-- One stream is at times told twice, a minute apart, alike in all else.
extended_in_order as (
    select
        *,
        extract(epoch from ended_at - lag(ended_at) over same_stream) * 1000 as gap_ms
    from reports
    where source = 'extended'
    window same_stream as (
        partition by match_group, track_key, ms_played, reason_start, reason_end
        order by ended_at, report_id collate "C"
    )
),

extended_judged as (
    select
        *,
        -- It cannot be heard again before the first hearing is over. And who breaks off twice does not do it at
        -- the same millisecond. What ran to its end twice, in less than the shift, may be a short track repeated.
        coalesce(
            gap_ms <= {{ var('shifted_report_s') }} * 1000
            and ms_played > 0
            and (ms_played > gap_ms or reason_end <> 'trackdone'),
            false
        ) as is_double,
        coalesce(gap_ms <= {{ var('shifted_report_s') }} * 1000 and ms_played > 0, false) as is_suspect
    from extended_in_order
),

extended_islands as (
    select
        *,
        count(*) filter (where not is_double) over (
            partition by match_group, track_key, ms_played, reason_start, reason_end
            order by ended_at, report_id collate "C"
        ) as island
    from extended_judged
),

extended_streams as (
    select
        *,
        first_value(report_id) over (
            partition by match_group, track_key, ms_played, reason_start, reason_end, island
            order by ended_at, report_id collate "C"
        ) as stream_id
    from extended_islands
),

-- a stream of nothing at the moment at which one of the same track ended is a part of that one
extended_by_event as (
    select
        *,
        case
            when
                ms_played = 0
                and lag(ms_played) over by_time > 0
                and ended_at - lag(ended_at) over by_time <= interval '2 seconds'
                then lag(stream_id) over by_time
            else stream_id
        end as event_id
    from extended_streams
    window by_time as (
        partition by match_group, track_key
        order by ended_at asc, ms_played desc nulls last, report_id collate "C" asc
    )
),

extended_events as (
    select
        report_id as event_id,
        match_group,
        recording_id,
        track_key,
        ms_played,
        reported_at,
        ended_at,
        -- an end to the second, cut
        ended_at + interval '1 second' as ended_before,
        is_suspect and not is_double as is_undecided
    from extended_by_event
    where report_id = event_id
),

-- 2. One-year data against extended exports: no uri and only the minute, but the same length to the millisecond. --

account_reports as (
    select
        report_id,
        match_group,
        recording_id,
        track_key,
        ms_played,
        reported_at,
        ended_at,
        cast(floor(extract(epoch from reported_at) / 60) as bigint) as minute
    from reports
    where source = 'account'
),

account_candidates as (
    select
        account_reports.report_id as left_id,
        extended_events.event_id as right_id,
        abs(extract(epoch from extended_events.reported_at - account_reports.reported_at) - 30) as cost
    from account_reports
    cross join generate_series(-1, 1) as step (minutes)
    inner join extended_events
        on
            account_reports.match_group = extended_events.match_group
            and account_reports.ms_played = extended_events.ms_played
            and cast(floor(extract(epoch from extended_events.reported_at) / 60) as bigint)
            = account_reports.minute + step.minutes
),

{{ nearest_pairs('account', 'account_candidates') }},

-- 3. What the API told, and an older tracker that had asked the same API. --------------------------------------

-- It shows nothing that was heard for less than half a minute, so two reports of a track within that are one.
api_in_order as (
    select
        *,
        coalesce(ended_at - lag(ended_at) over same_track < {{ double_report }}, false) as is_double
    from reports
    where source in ('api', 'tracker')
    window same_track as (
        partition by match_group, recording_id order by ended_at, source, report_id collate "C"
    )
),

api_islands as (
    select
        *,
        count(*) filter (where not is_double) over (
            partition by match_group, recording_id order by ended_at, source, report_id collate "C"
        ) as island
    from api_in_order
),

api_reports as (
    select
        *,
        -- our own poll's report stands for what the older tracker saw, too
        first_value(report_id) over (
            partition by match_group, recording_id, island order by source, ended_at, report_id collate "C"
        ) as event_id
    from api_islands
),

api_events as (
    select
        event_id,
        match_group,
        recording_id,
        track_key,
        known_duration_ms,
        ended_at,
        cast(floor(extract(epoch from ended_at) / 3600) as bigint) as hour
    from api_reports
    where report_id = event_id
),

-- 4. API against exports. ------------------------------------------------------------------------------------

exported_events as (
    select
        event_id,
        match_group,
        recording_id,
        track_key,
        ms_played,
        ended_at,
        ended_before,
        is_undecided
    from extended_events
    union all
    select
        account_reports.report_id as event_id,
        account_reports.match_group,
        account_reports.recording_id,
        account_reports.track_key,
        account_reports.ms_played,
        account_reports.ended_at,
        account_reports.ended_at + interval '1 minute' as ended_before,
        false as is_undecided
    from account_reports
    left join account_pairs on account_reports.report_id = account_pairs.left_id
    where account_pairs.left_id is null
),

-- by the hour, its neighbours too: every report of a song against every other would be the square of its plays
neighbours as (
    select
        api_events.event_id as api_id,
        exported_events.event_id as export_id,
        api_events.ended_at as reported_at,
        exported_events.ended_at,
        exported_events.ended_before,
        exported_events.ended_at - coalesce(exported_events.ms_played, 0) * interval '1 millisecond' as began_at,
        case
            when exported_events.track_key = api_events.track_key then 0
            when exported_events.recording_id = api_events.recording_id then 1
            else 2
        end
        + case when exported_events.ms_played < 30000 then 20 else 0 end as handicap_s
    from api_events
    cross join generate_series(-1, 1) as step (hours)
    inner join exported_events
        on
            api_events.match_group = exported_events.match_group
            and api_events.hour + step.hours
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
        -- mostly the end of the play is stamped; some clients stamped its beginning, a pause leaves it in between
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

-- An export tells every stream: what the API tells once more of one of them is the same, shifted.
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

-- without an export nobody can tell a shifted report from a repeat that was broken off
lone_events as (
    select
        api_events.event_id,
        coalesce(
            api_events.ended_at - lag(api_events.ended_at) over (
                partition by api_events.match_group, api_events.recording_id order by api_events.ended_at
            ) < least(
                {{ shifted_report }},
                coalesce(api_events.known_duration_ms - 5000, 600000) * interval '1 millisecond'
            ),
            false
        ) as is_undecided
    from api_events
    left join api_pairs on api_events.event_id = api_pairs.left_id
    left join shifted_reports on api_events.event_id = shifted_reports.api_id
    where api_pairs.left_id is null and shifted_reports.api_id is null
),

-- 5. Every report has its event; of the reports the one that knows most gives the event its name. ------------------

links as (
    select
        report_id,
        event_id as listen_id
    from extended_by_event
    union all
    select
        account_reports.report_id,
        coalesce(account_pairs.right_id, account_reports.report_id) as listen_id
    from account_reports
    left join account_pairs on account_reports.report_id = account_pairs.left_id
    union all
    select
        api_reports.report_id,
        coalesce(api_pairs.right_id, shifted_reports.export_id, api_reports.event_id) as listen_id
    from api_reports
    left join api_pairs on api_reports.event_id = api_pairs.left_id
    left join shifted_reports on api_reports.event_id = shifted_reports.api_id
),

undecided_events as (
    select event_id from exported_events where is_undecided
    union all
    select event_id from lone_events where is_undecided
),

-- almost every event has one report
events as (
    select
        links.listen_id,
        to_jsonb(array_agg(distinct reports.source)) as reported_by,
        jsonb_agg(reports.report_id order by reports.report_id collate "C") as report_ids,
        min(reports.ended_at) filter (where reports.source in ('api', 'tracker')) as api_played_at,
        min(reports.context_type collate "C") as context_type,
        min(reports.context_uri collate "C") as context_uri
    from links
    inner join reports on links.report_id = reports.report_id
    group by links.listen_id
)

select
    events.listen_id,
    named.source,
    events.reported_by,
    events.report_ids,
    case
        -- the API has seen the end itself: better than an upload, or a minute
        when named.is_late_report or named.is_minute_precision then coalesce(events.api_played_at, named.ended_at)
        else named.ended_at
    end as played_at,
    named.known_track_id as track_id,
    coalesce(named.track_uri, named.known_track_uri) as track_uri,
    named.is_track_found_by_name,
    named.title,
    named.artist,
    named.ms_played,
    named.ms_played is not null as is_length_known,
    named.known_duration_ms as duration_ms,
    named.is_skipped,
    named.skip_confidence,
    named.reason_start,
    named.reason_end,
    named.is_shuffled,
    named.is_offline,
    named.is_incognito,
    named.is_video,
    named.platform,
    named.country,
    events.context_type,
    events.context_uri,
    undecided_events.event_id is not null as is_undecided,
    named.match_group,
    named.load_id
from events
inner join reports as named on events.listen_id = named.report_id
left join undecided_events on events.listen_id = undecided_events.event_id
