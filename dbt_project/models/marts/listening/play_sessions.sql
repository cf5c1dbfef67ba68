-- a view: its cost falls on the query, and no build reads all listens for it
{{ config(materialized='view') }}

with

listens as (
    select
        listen_id,
        played_at,
        played_at - coalesce(ms_played, duration_ms, 0) * interval '1 millisecond' as began_at,
        coalesce(ms_played, duration_ms, 0) as heard_ms
    from {{ ref('int_listens') }}
),

steps as (
    select
        *,
        began_at - lag(played_at) over (order by played_at, listen_id) as pause
    from listens
),

numbered as (
    select
        *,
        count(*) filter (where pause is null or pause > interval '{{ var("session_pause_minutes") }} minutes')
            over (order by played_at, listen_id) as session_number
    from steps
)

select
    min(began_at) as began_at,
    max(played_at) as ended_at,
    {{ local_date('min(began_at)') }} as local_date,
    cast(count(*) as integer) as listen_count,
    cast(sum(heard_ms) as bigint) as heard_ms
from numbered
group by session_number
