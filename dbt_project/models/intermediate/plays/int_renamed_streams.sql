{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[{'columns': ['minute', 'ms_played']}, {'columns': ['track_key']}],
    pre_hook="{{ forget_renewed_minutes(ref('int_play_reports')) }}",
    post_hook=[
        "{{ remember_batch_of(ref('int_play_reports')) }}",
        '{{ analyze_where_grown() }}',
        '{{ remember_data_version() }}',
    ],
) }}

with

{% if is_incremental() -%}
renewed_minutes as (
    {{ renewed_minutes(ref('int_play_reports')) }}
),

{% endif -%}
streams as (
    select
        reports.report_id,
        reports.source,
        reports.track_key,
        reports.track_uri,
        reports.title,
        reports.artist,
        reports.file_id,
        reports.load_id,
        reports.reported_at,
        reports.minute,
        reports.ms_played
    from (select * from {{ ref('int_play_reports') }}) as reports
    {%- if is_incremental() %}
    inner join renewed_minutes
        on reports.minute = renewed_minutes.minute and reports.ms_played = renewed_minutes.ms_played
    {%- endif %}
    where reports.source in ('account', 'extended') and reports.ms_played is not null
),

-- Where both have a uri, the uris say which tracks were played. A name may be an older name of the same track.
disputed_minutes as (
    select
        minute,
        ms_played
    from streams
    group by minute, ms_played
    having
        min(file_id) < max(file_id)
        and min(track_key collate "C") < max(track_key collate "C")
        and bool_or(track_uri is null)
),

named_streams as (
    select
        streams.*,
        case
            when streams.track_uri is null then substr(streams.track_key, 6)
            else {{ name_key('streams.title') }} || '|' || coalesce({{ name_key('streams.artist') }}, '')
        end as name_key,
        case
            when streams.track_uri is not null then 3
            when streams.source = 'extended' then 2
            else 1
        end as knowledge,
        count(*) over (partition by streams.minute, streams.ms_played, streams.file_id) as rows_of_file,
        min(streams.reported_at) filter (where streams.source = 'extended')
            over (partition by streams.minute, streams.ms_played)
            as first_end,
        max(streams.reported_at) filter (where streams.source = 'extended')
            over (partition by streams.minute, streams.ms_played)
            as last_end
    from streams
    inner join disputed_minutes
        on streams.minute = disputed_minutes.minute and streams.ms_played = disputed_minutes.ms_played
),

-- materialized: each stream is compared with those of its minute, and those with each other
measured_streams as materialized (
    select
        *,
        -- a length that several streams of the minute have, or that of a skip, does not identify a stream
        ms_played >= 5000
        and max(rows_of_file) over (partition by minute, ms_played) = 1
        and coalesce(first_end = last_end, true) as is_mergeable
    from named_streams
),

-- two streams of different files with the same end and different names, where neither file has the other's name there
pairs as (
    select
        ours.report_id,
        -- of the two, the one that knows less or was imported later may be a second report of the other
        ours.knowledge < theirs.knowledge
        or (
            ours.knowledge = theirs.knowledge
            and (ours.load_id collate "C", ours.file_id) > (theirs.load_id collate "C", theirs.file_id)
        ) as is_doubtful
    from measured_streams as ours
    inner join measured_streams as theirs
        on ours.minute = theirs.minute and ours.ms_played = theirs.ms_played and ours.file_id <> theirs.file_id
    where
        ours.name_key is distinct from theirs.name_key
        and (ours.track_uri is null or theirs.track_uri is null)
        and (ours.source = 'account' or theirs.source = 'account' or ours.reported_at = theirs.reported_at)
        and not exists (
            select 1
            from measured_streams as same
            where
                same.minute = ours.minute
                and same.ms_played = ours.ms_played
                and same.file_id = theirs.file_id
                and (same.name_key = ours.name_key or same.track_uri = ours.track_uri)
        )
        and not exists (
            select 1
            from measured_streams as same
            where
                same.minute = ours.minute
                and same.ms_played = ours.ms_played
                and same.file_id = ours.file_id
                and (same.name_key = theirs.name_key or same.track_uri = theirs.track_uri)
        )
),

renamed as (
    select
        report_id,
        bool_or(is_doubtful) as is_doubtful
    from pairs
    group by report_id
)

select
    measured_streams.report_id,
    measured_streams.track_key,
    measured_streams.minute,
    measured_streams.ms_played,
    measured_streams.is_mergeable,
    renamed.is_doubtful
from renamed
inner join measured_streams on renamed.report_id = measured_streams.report_id
