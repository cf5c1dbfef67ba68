{#
    One-year data against extended exports: no uri and only the minute, but the same length to the millisecond.
    CTEs: `account_reports` with the event_id of each, `account_pairs` (left_id of its event, right_id of the
    extended one). Reads reports and extended_events of `listens`.
#}
{% macro account_told_by_extended() -%}
account_reports as (
    select
        report_id,
        -- equal rows: repeats, where they were uploaded; else one stream told twice, for no other fits in the minute
        case
            when is_late_report then report_id
            else min(report_id collate "C") over (partition by match_group, track_key, reported_at, ms_played)
        end as event_id,
        match_group,
        recording_id,
        track_key,
        ms_played,
        reported_at,
        covered_since,
        is_late_report,
        ended_at,
        cast(floor(extract(epoch from reported_at) / 60) as bigint) as minute
    from reports
    where source = 'account'
),

-- materialized: else the minute would be looked at after the join, which is by the song alone
account_minutes as materialized (
    select
        account_reports.*,
        account_reports.minute + step.minutes as near_minute
    from account_reports
    cross join generate_series(-1, 1) as step (minutes)
    where account_reports.report_id = account_reports.event_id
),

account_candidates as (
    select
        account_minutes.report_id as left_id,
        extended_events.event_id as right_id,
        abs(extract(epoch from extended_events.reported_at - account_minutes.reported_at) - 30) as cost
    from account_minutes
    inner join extended_events
        on
            account_minutes.match_group = extended_events.match_group
            and account_minutes.ms_played = extended_events.ms_played
            and account_minutes.near_minute
            = cast(floor(extract(epoch from extended_events.reported_at) / 60) as bigint)
),

{{ nearest_pairs('account', 'account_candidates') }}
{%- endmacro %}
