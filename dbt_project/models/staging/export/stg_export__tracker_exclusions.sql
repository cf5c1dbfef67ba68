select cast(track_id as text) as track_id
from {{ source('raw_export', 'tracker_exclusions') }}
