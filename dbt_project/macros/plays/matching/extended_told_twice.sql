{#
    Extended exports against themselves: one stream is at times told twice, a minute apart, or by exports of two eras.
    CTEs: `extended_by_event` (each report with its event_id) and `extended_events`. Reads reports of `listens`.
#}
{% macro extended_told_twice() -%}
-- One stream is at times told twice, a minute apart, alike in all else.
extended_in_order as (
    select
        *,
        extract(epoch from ended_at - lag(ended_at) over same_stream) * 1000 as gap_ms,
        extract(epoch from ended_at - lag(ended_at, 2) over same_stream) * 1000 as wide_gap_ms
    from reports
    where source = 'extended'
    window same_stream as (
        partition by match_group, track_key, ms_played, reason_start, reason_end
        order by ended_at, report_id collate "C"
    )
),

-- It cannot be heard again before the first hearing is over, but for 12 seconds of crossfade and one that is cut.
-- And who breaks off twice does not do it at the same millisecond. What ran to its end twice, in less than the
-- shift, may be a short track repeated.
extended_suspects as (
    select
        *,
        coalesce(gap_ms <= {{ var('shifted_report_s') }} * 1000 and ms_played > 0, false) as is_suspect,
        {%- for gap in ['gap_ms', 'wide_gap_ms'] %}
        coalesce(
            {{ gap }} <= {{ var('shifted_report_s') }} * 1000
            and ms_played > 0
            and (ms_played > {{ gap }} + 13000 or reason_end <> 'trackdone'),
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
    window same_stream as (
        partition by match_group, track_key, ms_played, reason_start, reason_end
        order by ended_at, report_id collate "C"
    )
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

-- A stream of nothing at the moment at which one of the same track ended is a part of that one. By the time that is
-- reported: an upload tells both at once, and the end is worked out from the length.
extended_moments as (
    select
        *,
        count(*) filter (where begins_event) over (
            partition by match_group, track_key order by reported_at, ms_played desc nulls last, report_id collate "C"
        ) as moment
    from (
        select
            *,
            coalesce(ms_played <> 0, true)
            or coalesce(reported_at - lag(reported_at) over by_time > interval '2 seconds', true) as begins_event
        from extended_streams
        window by_time as (
            partition by match_group, track_key order by reported_at, ms_played desc nulls last, report_id collate "C"
        )
    ) as judged
),

extended_by_event as (
    select
        *,
        first_value(stream_id) over (
            partition by match_group, track_key, moment
            order by reported_at, ms_played desc nulls last, report_id collate "C"
        ) as event_id
    from extended_moments
),

extended_events as (
    select
        report_id as event_id,
        match_group,
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
    from extended_by_event
    where report_id = event_id
)
{%- endmacro %}
