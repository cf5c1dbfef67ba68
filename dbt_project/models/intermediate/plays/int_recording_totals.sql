{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[{'columns': ['match_group']}, {'columns': ['recording_id']}],
    pre_hook='{{ forget_changed_groups(this) }}',
    post_hook='{{ remember_data_version() }}',
) }}

with

groups as (
    select distinct
        match_group,
        recording_id
    from {{ ref('int_match_groups') }}
    where {{ is_changed_group('match_group', this) }}
),

versions as (
    select
        match_group,
        version
    from {{ ref('int_match_versions') }}
),

track_recordings as (
    select
        track_id,
        recording_id
    from {{ ref('int_track_recordings') }}
),

listens as (
    select
        match_group,
        track_id,
        played_at,
        {{ local_date('played_at') }} as local_date,
        extract(hour from {{ local_time('played_at') }}) as local_hour,
        {{ counts_as_play() }} as is_play,
        ms_played,
        duration_ms,
        reason_end,
        is_length_known,
        is_undecided,
        is_skipped
    from {{ ref('int_listens') }}
    where
        played_at <= {{ as_of() }}
        and {{ is_changed_group('match_group', this) }}
),

-- number of reports that the listens of a group were made of: a test compares it with the reports that came in
reports as (
    select
        match_group,
        sum(jsonb_array_length(report_ids)) as report_count
    from {{ ref('int_listens') }}
    where {{ is_changed_group('match_group', this) }}
    group by match_group
),

-- joined here and never stored with the listens: a recording may be merged or split at any time
heard as (
    select
        listens.*,
        track_recordings.recording_id
    from listens
    left join track_recordings on listens.track_id = track_recordings.track_id
),

hours as (
    select
        match_group,
        recording_id,
        jsonb_build_array(
            {%- for hour in range(24) %}
            count(*) filter (where local_hour = {{ hour }}) {{- ',' if not loop.last }}
            {%- endfor %}
        ) as plays_by_hour
    from heard
    where is_play
    group by match_group, recording_id
),

days as (
    select
        match_group,
        recording_id,
        local_date,
        count(*) as listens,
        count(*) filter (where is_play) as plays,
        {%- for definition in play_definitions() %}
        count(*) filter (where {{ counts_as_play(definition) }}) as plays_{{ loop.index }},
        {%- endfor %}
        count(*) filter (where not is_length_known) as listens_of_unknown_length,
        count(*) filter (where is_undecided) as undecided,
        count(*) filter (where is_skipped) as skips,
        -- most skips are too short to be plays, so they are counted among all listens whose end is known
        count(*) filter (where is_skipped is not null) as listens_with_known_end,
        min(played_at) filter (where is_play) as first_played_at,
        max(played_at) filter (where is_play) as last_played_at,
        sum(ms_played) filter (where is_play) as ms_played
    from heard
    group by match_group, recording_id, local_date
),

totals as (
    select
        match_group,
        recording_id,
        cast(sum(listens) as integer) as listen_count,
        cast(sum(plays) as integer) as play_count,
        {%- for definition in play_definitions() %}
        cast(sum(plays_{{ loop.index }}) as integer) as plays_{{ loop.index }},
        {%- endfor %}
        cast(sum(listens_of_unknown_length) as integer) as unknown_length_count,
        cast(sum(undecided) as integer) as undecided_count,
        cast(sum(skips) as integer) as skip_count,
        cast(sum(listens_with_known_end) as integer) as known_end_count,
        min(first_played_at) as first_played_at,
        max(last_played_at) as last_played_at,
        cast(count(*) filter (where plays > 0) as integer) as days_played,
        cast(max(plays) as integer) as max_plays_in_a_day,
        cast(sum(ms_played) as bigint) as ms_played
    from days
    group by match_group, recording_id
)

select
    groups.match_group,
    {{ version_so_far('versions.version', 'groups.match_group') }} as version,
    totals.recording_id,
    coalesce(totals.listen_count, 0) as listen_count,
    coalesce(totals.play_count, 0) as play_count,
    {%- for definition in play_definitions() %}
    coalesce(totals.plays_{{ loop.index }}, 0) as plays_{{ loop.index }},
    {%- endfor %}
    coalesce(totals.unknown_length_count, 0) as unknown_length_count,
    coalesce(totals.undecided_count, 0) as undecided_count,
    coalesce(totals.skip_count, 0) as skip_count,
    coalesce(totals.known_end_count, 0) as known_end_count,
    totals.first_played_at,
    totals.last_played_at,
    coalesce(totals.days_played, 0) as days_played,
    coalesce(totals.max_plays_in_a_day, 0) as max_plays_in_a_day,
    totals.ms_played,
    hours.plays_by_hour,
    cast(coalesce(reports.report_count, 0) as integer) as report_count
-- a group without a listen has a row, too: otherwise every build would make it again
from (select distinct groups.match_group from groups) as groups
inner join versions on groups.match_group = versions.match_group
left join totals on groups.match_group = totals.match_group
left join hours on totals.match_group = hours.match_group and totals.recording_id = hours.recording_id
left join reports on groups.match_group = reports.match_group
