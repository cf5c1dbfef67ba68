select
    cast(track_id as text) as track_id,
    cast(market as text) as market,
    -- a reason alone means not playable: in albums Spotify sends restrictions without is_playable
    coalesce(is_playable, case when reason is not null then false end) as is_playable,
    cast(reason as text) as reason,
    cast(linked_id as text) as linked_id,
    checked_at
from {{ source('raw_spotify', 'track_availability') }}
