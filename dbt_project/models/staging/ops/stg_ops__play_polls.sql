select
    poll_id,
    polled_at,
    outcome,
    item_count,
    new_count,
    oldest_played_at,
    newest_played_at,
    gap_suspected
from {{ source('ops', 'play_polls') }}
