with

recently_played as (
    select
        played_at,
        -- dlt's text is varchar: an incremental table that promises text would refuse its second build
        cast(track_uri as text) as track_uri,
        payload,
        {{ json_object('payload', 'track', 'item') }} as track,
        cast(_dlt_load_id as text) as load_id
    from {{ source('raw_spotify', 'recently_played') }}
)

select
    played_at,
    track_uri,
    case when track_uri like 'spotify:track:%' then split_part(track_uri, ':', 3) end as track_id,
    {{ json_text('payload', 'context', 'type') }} as context_type,
    {{ json_text('payload', 'context', 'uri') }} as context_uri,
    load_id,
    {{ track_columns('track') }}
from recently_played
