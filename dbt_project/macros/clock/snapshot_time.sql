{#
    dbt stamps what snapshots notice with the server's clock without a zone, which shifts by the server's zone
    and knows nothing of as_of: a library asked as of last March would get a history of today.
#}
{% macro postgres__snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}

{% macro postgres__snapshot_string_as_time(timestamp) -%}
    {{ return("cast('" ~ timestamp ~ "' as timestamptz)") }}
{%- endmacro %}
