{#
    One-year data, by itself and against extended exports: no uri and only the minute, but the same length to the
    millisecond. CTEs: `account_reports` with the event_id of each, `account_pairs` (left_id of its event, right_id
    of the extended one). Reads reports and extended_by_stream of `int_listens`.
#}
{% macro account_told_by_extended() -%}
account_places as (
    select
        *,
        row_number() over (
            partition by name_group, song_id, reported_at, ms_played, file_id order by report_id collate "C"
        ) as place
    from reports
    where source = 'account'
),

-- Equal rows of a file are repeats, where they were uploaded, or are short enough; else one stream told twice, for no
-- other fits in the minute. Those of another file are the same streams.
account_streams as (
    select
        *,
        case when is_late_report or coalesce(ms_played < 60000, true) then place else 1 end as stream
    from account_places
),

account_reports as (
    select
        report_id,
        min(report_id collate "C") over same_stream as event_id,
        name_group,
        recording_id,
        track_key,
        known_track_id,
        ms_played,
        reported_at,
        min(covered_since) over same_stream as covered_since,
        bool_or(is_late_report) over same_stream as is_late_report,
        ended_at,
        -- who breaks off twice does not do it at the same millisecond: it may be told twice, or a short track repeated
        not is_late_report and ms_played > 0 and stream > 1 as is_undecided
    from account_streams
    window same_stream as (partition by name_group, song_id, reported_at, ms_played, stream)
),

-- within the minute one by one, for many skips are alike
account_ranks as (
    select
        report_id,
        name_group,
        ms_played,
        cast(floor(extract(epoch from reported_at) / 60) as bigint) as minute,
        row_number() over (
            partition by name_group, ms_played, floor(extract(epoch from reported_at) / 60)
            order by report_id collate "C"
        ) as place
    from account_reports
    where report_id = event_id
),

stream_ranks as (
    select
        stream_id,
        event_id,
        name_group,
        ms_played,
        reported_at,
        cast(floor(extract(epoch from reported_at) / 60) as bigint) as minute,
        row_number() over (
            partition by name_group, ms_played, floor(extract(epoch from reported_at) / 60)
            order by reported_at, stream_id collate "C"
        ) as place
    from extended_by_stream
),

minute_pairs as (
    select
        account_ranks.report_id as left_id,
        stream_ranks.stream_id as right_id
    from account_ranks
    inner join stream_ranks
        on
            account_ranks.name_group = stream_ranks.name_group
            and account_ranks.ms_played = stream_ranks.ms_played
            and account_ranks.minute = stream_ranks.minute
            and account_ranks.place = stream_ranks.place
),

-- materialized: else the minute would be looked at after the join, which is by the song alone
account_minutes as materialized (
    select
        account_ranks.*,
        account_ranks.minute + step.minutes as near_minute
    from account_ranks
    cross join (values (-1), (1)) as step (minutes)
    left join minute_pairs on account_ranks.report_id = minute_pairs.left_id
    where minute_pairs.left_id is null
),

account_candidates as (
    select
        account_minutes.report_id as left_id,
        stream_ranks.stream_id as right_id,
        abs(extract(epoch from stream_ranks.reported_at) - account_minutes.minute * 60 - 30) as cost
    from account_minutes
    inner join stream_ranks
        on
            account_minutes.name_group = stream_ranks.name_group
            and account_minutes.ms_played = stream_ranks.ms_played
            and account_minutes.near_minute = stream_ranks.minute
    left join minute_pairs on stream_ranks.stream_id = minute_pairs.right_id
    where minute_pairs.right_id is null
),

{{ nearest_pairs('near', 'account_candidates') }},

account_pairs as (
    select
        paired.left_id,
        extended_by_stream.event_id as right_id
    from (
        select * from minute_pairs
        union all
        select * from near_pairs
    ) as paired
    inner join extended_by_stream on paired.right_id = extended_by_stream.stream_id
)
{%- endmacro %}
