{#
    Extended exports against each other and against themselves. One stream is told by exports of several years, which
    differ in its uri, its reasons and its offline time; and at times twice by one of them, a minute apart.
    CTEs: `extended_by_stream` (stream_id with its event_id and report_ids) and `extended_events`. Reads reports of
    `int_listens`.
#}
{% macro extended_told_twice() -%}
{%- set same_end = 'name_group, reported_at, ms_played, told_recording_id' %}
{%- set by_end = 'partition by name_group, song_id, ms_played order by ended_at, stream_id collate "C"' %}
{%- set by_report
    = 'partition by name_group, song_id order by reported_at, ms_played desc nulls last, stream_id collate "C"' %}
-- Of one name, at one end, of one length: one stream of each file is one stream. Two uris of one recording are one
-- track, and without a duration nobody knows the recording; a name that two had at that moment is taken for the first.
extended_ends as (
    select
        *,
        coalesce(
            case when is_recording_told then recording_id end,
            min(case when is_recording_told then recording_id end collate "C") over (
                partition by name_group, reported_at, ms_played
            )
        ) as told_recording_id
    from (
        select
            *,
            track_uri is not null and known_duration_ms is not null as is_recording_told
        from reports
        where source = 'extended'
    ) as exported
),

-- Streams that were uploaded together are told apart by when they began; where a file does not tell that, they are
-- counted. Two of one file are two, in whatever they differ.
extended_places as (
    select
        *,
        case
            when offline_began_at is null
                then
                    count(offline_began_at) over (partition by {{ same_end }}, file_id)
                    + row_number() over (
                        partition by {{ same_end }}, file_id, offline_began_at
                        order by reason_start collate "C", reason_end collate "C", report_id collate "C"
                    )
            else dense_rank() over (partition by {{ same_end }} order by offline_began_at)
        end as place,
        case
            when offline_began_at is null then 1
            else row_number() over (
                partition by {{ same_end }}, file_id, offline_began_at
                order by reason_start collate "C", reason_end collate "C", report_id collate "C"
            )
        end as copy
    from extended_ends
),

extended_named as (
    select
        *,
        -- the one that knows most
        first_value(report_id) over (
            partition by {{ same_end }}, place, copy
            order by
                track_uri is null,
                offline_began_at is null,
                reason_end is null,
                reason_start is null,
                report_id collate "C"
        ) as stream_id
    from extended_places
),

extended_streams as (
    select
        stream_id,
        name_group,
        ms_played,
        reported_at,
        min(recording_id collate "C") filter (where report_id = stream_id) as recording_id,
        min(song_id collate "C") filter (where report_id = stream_id) as song_id,
        min(track_key collate "C") filter (where report_id = stream_id) as track_key,
        min(reason_start collate "C") as reason_start,
        min(reason_end collate "C") as reason_end,
        min(covered_since) as covered_since,
        bool_or(is_offline) as is_offline,
        array_agg(report_id) as report_ids,
        coalesce(min(ended_at) filter (where offline_began_at is not null), min(ended_at)) as ended_at
    from extended_named
    group by stream_id, name_group, ms_played, reported_at
),

-- One stream is at times told twice, a minute apart, alike in all else. Two of one end have been judged above.
extended_in_order as (
    select
        *,
        case
            when
                coalesce(reason_start = lag(reason_start) over same_stream, true)
                and coalesce(reason_end = lag(reason_end) over same_stream, true)
                then extract(epoch from ended_at - lag(ended_at) over same_stream) * 1000
        end as gap_ms,
        extract(epoch from ended_at - lag(ended_at, 2) over same_stream) * 1000 as wide_gap_ms
    from extended_streams
    window same_stream as ({{ by_end }})
),

-- It cannot be heard again before the first hearing is over, but for 12 seconds of crossfade and one that is cut.
-- And who breaks off twice does not do it at the same millisecond. What ran to its end twice, in less than the
-- shift, may be a short track repeated; so may what nobody tells the end of.
extended_suspects as (
    select
        *,
        coalesce(gap_ms > 0 and gap_ms <= {{ var('shifted_report_s') }} * 1000 and ms_played > 0, false) as is_suspect,
        {%- for gap in ['gap_ms', 'wide_gap_ms'] %}
        coalesce(
            {{ gap }} > 0
            and {{ gap }} <= {{ var('shifted_report_s') }} * 1000
            and ms_played > 0
            and (ms_played > {{ gap }} + 13000 or reason_end not in ('trackdone', 'unknown')),
            false
        ) as is_within_{{ gap }} {{- ',' if not loop.last }}
        {%- endfor %}
    from extended_in_order
),

extended_judged as (
    select
        *,
        -- what follows a double is compared with the stream that this one is of
        is_within_gap_ms and (not lag(is_within_gap_ms, 1, false) over same_stream or is_within_wide_gap_ms)
            as is_double
    from extended_suspects
    window same_stream as ({{ by_end }})
),

extended_islands as (
    select
        *,
        count(*) filter (where not is_double) over ({{ by_end }}) as island
    from extended_judged
),

extended_firsts as (
    select
        *,
        first_value(stream_id) over (
            partition by name_group, song_id, ms_played, island order by ended_at, stream_id collate "C"
        ) as first_id
    from extended_islands
),

-- A stream of nothing at the moment at which one of the same track ended is a part of that one. By the time that is
-- reported: an upload tells both at once, and the end is worked out from the length. Skips are none of each other.
extended_moments as (
    select
        *,
        count(*) filter (where begins_event) over ({{ by_report }}) as moment
    from (
        select
            *,
            coalesce(ms_played <> 0, true)
            or coalesce(
                reported_at - max(reported_at) filter (where coalesce(ms_played <> 0, true)) over by_time
                > interval '2 seconds',
                true
            ) as begins_event
        from extended_firsts
        window by_time as ({{ by_report }})
    ) as judged
),

extended_by_stream as (
    select
        *,
        first_value(first_id) over (
            partition by name_group, song_id, moment
            order by reported_at, ms_played desc nulls last, stream_id collate "C"
        ) as event_id
    from extended_moments
),

extended_events as (
    select
        stream_id as event_id,
        name_group,
        recording_id,
        track_key,
        ms_played,
        reported_at,
        covered_since,
        is_offline,
        ended_at,
        -- an end to the second, cut
        ended_at + interval '1 second' as ended_before,
        is_suspect and not is_double as is_undecided
    from extended_by_stream
    where stream_id = event_id
)
{%- endmacro %}
