with

recently_played as (
    select
        plays.played_at,
        -- dlt's text is varchar: an incremental table that promises text would refuse its second build
        cast(plays.track_uri as text) as track_uri,
        plays.payload,
        parts.track,
        cast(plays._dlt_load_id as text) as load_id
    from (select * from {{ source('raw_spotify', 'recently_played') }}) as plays
    {{ json_parts(track=json_object('plays.payload', 'track', 'item')) }}
)

select
    played_at,
    track_uri,
    case when track_uri like 'spotify:track:%' then split_part(track_uri, ':', 3) end as track_id,
    {{ json_text('payload', 'context', 'type') }} as context_type,
    {{ json_text('payload', 'context', 'uri') }} as context_uri,
    load_id,
    {{ track_columns('track') }},
    {{ json_text('track', 'album', 'id') }} as album_id,
    {{ album_columns("(track -> 'album')") }}
from recently_played
