with

removals as (
    select
        kind,
        item_id,
        added_at,
        event,
        noticed_at
    from {{ ref('stg_spotify__library_removals') }}
)

-- An entry is a track or an album with the time at which it was added: what was removed and added again is another
-- entry, so the old removal does not reach it. Of two events at one time `returned` wins: no like is lost to a tie.
select distinct on (kind, item_id, added_at)
    kind,
    item_id,
    added_at,
    event
from removals
order by kind asc, item_id asc, added_at asc, noticed_at desc, event = 'returned' desc
