-- it stays the same table: data_health is a view on it
{{ config(materialized='table', meta={'stays': true}) }}

with

totals as (
    select * from {{ ref('int_recording_totals') }}
)

{%- for definition in play_definitions() %}

select
    {{ literal(definition) }} as play_definition,
    {{ 'true' if definition == var('play_definition') else 'false' }} as is_in_use,
    cast(coalesce(sum(plays_{{ loop.index }}), 0) as bigint) as play_count,
    cast(coalesce(sum(unknown_length_count), 0) as bigint) as unknown_length_count,
    cast(coalesce(sum(undecided_count), 0) as bigint) as undecided_count,
    cast(coalesce(sum(listen_count), 0) as bigint) as listen_count
from totals
{{- '\nunion all' if not loop.last }}
{%- endfor %}
