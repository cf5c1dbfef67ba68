select
    file_id,
    -- videos have files of their own; in one-year data podcasts and audiobooks have, too
    not is_video and (play_count > 0 or podcast_count + audiobook_count = 0) as tells_music,
    case format when 'one_year' then 'account' else 'extended' end as source,
    first_at,
    last_at,
    imported_at
from {{ source('raw_export', 'import_files') }}
where format is not null and first_at is not null
