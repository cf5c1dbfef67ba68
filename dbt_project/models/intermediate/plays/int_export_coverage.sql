with

files as (
    select
        source,
        first_at,
        last_at
    from {{ ref('stg_export__import_files') }}
),

-- Files of one export follow each other. Up to a week without a stream between two files means that nobody listened;
-- a longer time may also mean that a file between them was not imported.
ordered_files as (
    select
        *,
        max(last_at) over (
            partition by source order by first_at, last_at rows between unbounded preceding and 1 preceding
        ) as covered_until
    from files
),

islands as (
    select
        *,
        count(*) filter (where covered_until is null or first_at > covered_until + interval '7 days')
            over (partition by source order by first_at, last_at) as island
    from ordered_files
)

select
    source,
    min(first_at) as began_at,
    max(last_at) as ended_at
from islands
group by source, island
