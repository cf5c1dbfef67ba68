{#
    Exports of several years tell one stream under two names: of its artist, or of itself. At one end, and of a length
    that no other stream of the minute has, they are one stream, unless uris say that two tracks were played.
    CTEs: `exported_reports` (report_id with its event_id), `renamed_events` (event_id of each event that is merged,
    with the kept_id of the one that stands for it) and `renamed_doubts` (event_id). Reads renamed_streams,
    extended_by_stream, account_reports and account_pairs of `int_listens`.
#}
{% macro renamed_between_exports() -%}
exported_reports as (
    -- kept together and not joined: PostgreSQL expects thousands of rows where each has one
    select
        unnest(report_ids) as report_id,
        event_id
    from extended_by_stream
    union all
    select
        account_reports.report_id,
        coalesce(account_pairs.right_id, account_reports.event_id) as event_id
    from account_reports
    left join account_pairs on account_reports.event_id = account_pairs.left_id
),

renamed_reports as (
    select
        exported_reports.event_id,
        reports.recording_id,
        reports.track_uri,
        renamed_streams.minute,
        renamed_streams.ms_played,
        renamed_streams.is_mergeable,
        renamed_streams.is_doubtful
    from renamed_streams
    inner join exported_reports on renamed_streams.report_id = exported_reports.report_id
    inner join reports on renamed_streams.report_id = reports.report_id
),

mergeable_minutes as (
    select
        minute,
        ms_played
    from renamed_reports
    group by minute, ms_played
    having bool_and(is_mergeable) and count(distinct recording_id) filter (where track_uri is not null) <= 1
),

-- An event may be told in two minutes, and by more than two exports: the lowest id spreads among those of one stream.
renamed_spread_0 as (
    select
        renamed_reports.event_id,
        renamed_reports.minute,
        renamed_reports.ms_played,
        renamed_reports.event_id as label
    from renamed_reports
    inner join mergeable_minutes
        on
            renamed_reports.minute = mergeable_minutes.minute
            and renamed_reports.ms_played = mergeable_minutes.ms_played
),

{% for step in range(1, 5) -%}
renamed_spread_{{ step }} as (
    select
        event_id,
        minute,
        ms_played,
        min(label collate "C") over (partition by {{ 'minute, ms_played' if step % 2 else 'event_id' }}) as label
    from renamed_spread_{{ step - 1 }}
),

{% endfor -%}
renamed_files as (
    select distinct
        spread.label,
        spread.event_id,
        reports.file_id
    from renamed_spread_4 as spread
    inner join exported_reports on spread.event_id = exported_reports.event_id
    inner join reports on exported_reports.report_id = reports.report_id
),

-- two streams of one file are two
mergeable_labels as (
    select label
    from (
        select
            label,
            count(*) as event_count
        from renamed_files
        group by label, file_id
    ) as counted
    group by label
    having max(event_count) = 1
),

renamed_events as (
    select
        renamed.event_id,
        first_value(renamed.event_id) over (
            partition by renamed.label
            order by
                reports.track_uri is null,
                reports.source = 'account',
                reports.known_track_id is null,
                renamed.event_id collate "C"
        ) as kept_id
    from (
        select distinct
            spread.label,
            spread.event_id
        from renamed_spread_4 as spread
        inner join mergeable_labels on spread.label = mergeable_labels.label
    ) as renamed
    inner join reports on renamed.event_id = reports.report_id
),

renamed_doubts as (
    select renamed_reports.event_id
    from renamed_reports
    inner join exported_reports on renamed_reports.event_id = exported_reports.event_id
    inner join reports on exported_reports.report_id = reports.report_id
    left join renamed_events on renamed_reports.event_id = renamed_events.event_id
    where renamed_events.event_id is null
    group by renamed_reports.event_id
    -- what another file tells under the same name is no other stream
    having bool_or(renamed_reports.is_doubtful) and count(distinct reports.file_id) = 1
)
{%- endmacro %}
