{#
    A condition on `load_id`: only what this model has not read yet. What is new is told by load and not by time:
    an offline play arrives days after later ones; and by each load, not by the newest: a clock that was set back
    would hide loads for good. A load that dlt has not finished waits: half of it would pass for all of it.

    Asked before the model runs, so that the answer stands in its SQL: where nothing is new nothing is scanned,
    and where little is new PostgreSQL knows it and takes the index.
#}
{% macro is_unknown_load(loads, reports) -%}
    {%- if not is_incremental() -%}
        load_id in (select finished.load_id from {{ loads }} as finished)
    {%- else -%}
        {#- a load of another table is looked for once in each build, so by index: `limit` keeps it from becoming a
            join, which would read all reports #}
        {%- set found = run_query(
            "with unknown as materialized (select finished.load_id from " ~ loads ~ " as finished"
            ~ " where not exists (select 1 from " ~ this ~ " as known where known.load_id = finished.load_id))"
            ~ " select unknown.load_id from unknown"
            ~ " where (select true from " ~ reports ~ " as raw where raw.load_id = unknown.load_id limit 1)"
        ).columns[0].values() if execute else [] -%}
        {%- if found -%}
            load_id in ({% for load_id in found %}{{ literal(load_id) }}{{ ', ' if not loop.last }}{% endfor %})
        {%- else -%}
            false
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
