{{ config(materialized='table', indexes=[{'columns': ['match_group'], 'unique': true}]) }}

select
    match_group,
    md5(string_agg(
        concat_ws('|', track_key, name_group, recording_id, song_id, track_id, duration_ms, renamed_streams, batch),
        ' ' order by track_key collate "C"
    )) as version
from {{ ref('int_match_groups') }}
group by match_group
