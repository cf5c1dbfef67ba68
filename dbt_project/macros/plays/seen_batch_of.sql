{#
    The newest batch of reports that this incremental model has read. None, where the reports are of an earlier one
    than that: they were made anew by a clock that was set back.
#}
{% macro seen_batch_of(reports) -%}
    {%- if not (execute and is_incremental()) -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set found = run_query(
        "select (select coalesce(max(batch), 0) from " ~ this ~ ") as seen,"
        ~ " (select coalesce(max(batch), 0) from " ~ reports ~ ") as newest"
    ).rows[0] -%}
    {{ return(found['seen'] if found['seen'] <= found['newest'] else 0) }}
{%- endmacro %}
