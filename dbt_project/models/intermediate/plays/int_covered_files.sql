with

files as (
    select
        file_id,
        source,
        first_at,
        last_at,
        imported_at
    from {{ ref('stg_export__import_files') }}
    where tells_music
),

-- a covered period begins with a file that no earlier file, imported at the same time or before, leads up to
first_files as (
    select
        source,
        first_at
    from files
    where
        not exists (
            select 1
            from files as earlier
            where
                earlier.source = files.source
                and earlier.first_at < files.first_at
                and earlier.last_at >= files.first_at - interval '7 days'
                and earlier.imported_at <= files.imported_at + interval '1 hour'
        )
)

select
    files.file_id,
    max(first_files.first_at) as covered_since
from files
inner join first_files on files.source = first_files.source and files.first_at >= first_files.first_at
group by files.file_id
