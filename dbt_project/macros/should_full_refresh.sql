{#
    An incremental table is built anew where what made its rows has changed: its own SQL, the zone, or what counts
    as a play. Else old rows and new rows would follow different rules. dbt's own macro, and one reason more.
#}
{% macro should_full_refresh() -%}
    {%- set wanted = config.get('full_refresh') if config.get('full_refresh') is not none else flags.FULL_REFRESH -%}
    {%- if not wanted and execute and config.get('materialized') == 'incremental' -%}
        {%- set known = run_query(
            "select obj_description(to_regclass('" ~ this.schema ~ "." ~ this.identifier ~ "')) as definition"
        ).rows[0]['definition'] -%}
        {%- set wanted = known != definition_fingerprint() -%}
    {%- endif -%}
    {{ return(wanted) }}
{%- endmacro %}

{# For post_hook of incremental models: what should_full_refresh compares with. #}
{% macro remember_definition() -%}
    comment on table {{ this }} is {{ literal(definition_fingerprint()) }}
{%- endmacro %}

{% macro definition_fingerprint() -%}
    {{ return('made by ' ~ local_md5(model.raw_code ~ local_zone() ~ var('play_definition'))) }}
{%- endmacro %}
