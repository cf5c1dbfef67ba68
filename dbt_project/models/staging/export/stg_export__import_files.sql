select
    file_id,
    is_video,
    case format when 'one_year' then 'account' else 'extended' end as source,
    first_at,
    last_at,
    imported_at
from {{ source('raw_export', 'import_files') }}
where format is not null and first_at is not null
