select
    kind,
    track_id,
    other_track_id
from {{ source('ops', 'recording_overrides') }}
