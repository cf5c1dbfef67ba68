-- it stays the same table: data_health is a view on it
{{ config(materialized='table', meta={'stays': true}) }}

with

gaps as (
    select
        kind,
        began_at,
        ended_at,
        is_loss_possible
    from {{ ref('int_poll_gaps') }}
),

coverage as (
    select
        source,
        began_at,
        ended_at
    from {{ ref('int_export_coverage') }}
),

-- an export has every stream of its period, so it closes the gaps within it
closed as (
    select
        gaps.*,
        (
            select min(coverage.source)
            from coverage
            where coverage.began_at <= gaps.began_at and coverage.ended_at >= gaps.ended_at
        ) as closed_by
    from gaps
)

select
    kind,
    began_at,
    ended_at,
    cast(round(extract(epoch from ended_at - began_at) / 60) as integer) as gap_minutes,
    is_loss_possible,
    closed_by is not null as is_closed,
    closed_by
from closed
