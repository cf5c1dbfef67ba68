{#
    A condition on `load_id`: only loads that this model has not read yet. New rows are found by load and not by time,
    because an offline play arrives days after later ones; and by each load and not by the newest, because a clock that was
    set back would hide loads for good. A load that dlt has not finished waits: half of it would be taken for all of it.

    The macro asks before the model runs, so that the answer stands in its SQL: where nothing is new nothing is scanned,
    and where little is new PostgreSQL knows it and uses the index.
#}
{% macro is_unknown_load(loads, reports) -%}
    {%- if not is_incremental() -%}
        load_id in (select finished.load_id from (select * from {{ loads }}) as finished)
    {%- else -%}
        {%- set unknown -%}
            select finished.load_id
            from (select * from {{ loads }}) as finished
            where not exists (select 1 from {{ this }} as known where known.load_id = finished.load_id)
        {%- endset -%}
        {%- set candidates = run_query(unknown).columns[0].values() if execute else [] -%}
        {#- Most of them are loads of other tables, and looked for in each build: each by its own `limit`, for a join
            would read all reports; and by name, for PostgreSQL takes an unnamed one to be as frequent as others are. #}
        {%- set probes -%}
            {%- if candidates | length <= 200 -%}
                {%- for load_id in candidates %}
                (select load_id from {{ reports }} where load_id = {{ literal(load_id) }} limit 1)
                {{- ' union all' if not loop.last }}
                {%- endfor -%}
            {%- else -%}
                with candidates as materialized ({{ unknown }})
                select candidates.load_id
                from candidates
                where (select true from (select * from {{ reports }}) as raw where raw.load_id = candidates.load_id limit 1)
            {%- endif -%}
        {%- endset -%}
        {%- set found = run_query(probes).columns[0].values() if candidates else [] -%}
        {%- if found -%}
            load_id in ({% for load_id in found %}{{ literal(load_id) }}{{ ', ' if not loop.last }}{% endfor %})
        {%- else -%}
            false
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#
    A condition on `load_id` of an export: loads that this model has not read yet, and loads that it has to read again. The
    latter hold a file whose covered period begins earlier now, because a file before it was imported since.
#}
{% macro is_export_to_read(loads, reports, covered_files) -%}
    {%- set unknown = is_unknown_load(loads, reports) -%}
    {#- The files first: with none of them PostgreSQL would still read every report for their loads. And in order, so
        that it takes the index: it thinks that a row of a file stands near the beginning of the table. #}
    {%- set files = run_query(
        "select files.file_id from (select * from " ~ covered_files ~ ") as files cross join lateral ("
        ~ "select known.covered_since from " ~ this ~ " as known where known.file_id = files.file_id"
        ~ " order by known.covered_since limit 1) as known where known.covered_since is distinct from files.covered_since"
    ).columns[0].values() if execute and is_incremental() else [] -%}
    {%- set again = run_query(
        "select distinct load_id from " ~ this ~ " where file_id in (" ~ files | join(', ') ~ ")"
    ).columns[0].values() if files else [] -%}
    {%- if not again -%}
        {{ return(unknown) }}
    {%- endif -%}
    (
        {{ unknown }}
        or load_id in ({% for load_id in again %}{{ literal(load_id) }}{{ ', ' if not loop.last }}{% endfor %})
    )
{%- endmacro %}
