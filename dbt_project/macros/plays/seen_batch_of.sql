{#
    The newest batch of reports that this incremental model has read; 0 where the newest report is of an earlier batch: then
    the reports were made anew while the clock was set back.
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
