{{ config(materialized='view') }}

select
    listen_id as play_id,
    source,
    played_at,
    local_date,
    track_id,
    track_uri,
    is_track_found_by_name,
    ms_played,
    is_length_known,
    is_skipped,
    skip_confidence,
    context_type,
    context_uri,
    is_undecided,
    match_group,
    load_id
from {{ ref('int_plays') }}
