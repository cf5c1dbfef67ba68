{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    indexes=[{'columns': ['match_group']}, {'columns': ['track_id']}],
    pre_hook='{{ forget_changed_groups(this) }}',
    post_hook='{{ remember_data_version() }}',
) }}

with

groups as (
    select
        match_group,
        version
    from {{ ref('int_match_versions') }}
    where {{ is_changed_group('match_group', this) }}
),

plays as (
    select
        match_group,
        track_id,
        cast(count(*) as integer) as play_count
    from {{ ref('int_plays') }}
    where
        played_at <= {{ as_of() }}
        and track_id is not null
        -- where the source gave only a name, nobody knows which edition was played
        and not is_track_found_by_name
        and {{ is_changed_group('match_group', this) }}
    group by match_group, track_id
)

select
    groups.match_group,
    {{ version_so_far('groups.version', 'groups.match_group') }} as version,
    plays.track_id,
    coalesce(plays.play_count, 0) as play_count
from groups
left join plays on groups.match_group = plays.match_group
