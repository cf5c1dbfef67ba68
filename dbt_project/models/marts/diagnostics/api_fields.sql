-- it stays the same table: data_health is a view on it
{{ config(materialized='table', meta={'stays': true}) }}

with

fields as (
    select
        resource,
        path,
        first_seen,
        last_seen,
        last_looked_at,
        rows_looked,
        rows_with_value,
        rows_since_seen
    from {{ ref('stg_ops__api_fields') }}
),

rated as (
    select
        fields.*,
        1 - rows_with_value / cast(nullif(rows_looked, 0) as double precision) as null_rate,
        -- how many of the rows since then should have had a value, going by the rows up to then: a field that
        -- is seldom there (a reason, a context) may rest longer than one that always was
        rows_since_seen * rows_with_value / cast(nullif(rows_looked - rows_since_seen, 0) as double precision)
            as missed_rows
    from fields
),

final as (
    select
        resource,
        path,
        first_seen,
        last_seen,
        last_looked_at,
        rows_looked,
        rows_with_value,
        rows_since_seen,
        null_rate,
        coalesce(missed_rows >= {{ var('api_field_missed_rows') }}, false) as is_dried_up
    from rated
)

select * from final
