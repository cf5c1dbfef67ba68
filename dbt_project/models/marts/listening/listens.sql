-- a view: int_listens keeps the rows and their key; what joins names and recordings to them would age in a table
{{ config(materialized='view') }}

select
    listen_id,
    source,
    reported_by,
    report_ids,
    played_at,
    track_id,
    track_uri,
    is_track_found_by_name,
    title,
    artist,
    ms_played,
    is_length_known,
    duration_ms,
    is_skipped,
    skip_confidence,
    reason_start,
    reason_end,
    is_shuffled,
    is_offline,
    is_incognito,
    is_video,
    platform,
    country,
    context_type,
    context_uri,
    is_undecided,
    undecided_about,
    match_group,
    load_id
from {{ ref('int_listens') }}
