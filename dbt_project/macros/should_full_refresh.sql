{#
    An incremental table is built anew where what made its rows has changed: its own SQL, the zone, what counts
    as a play, a tolerance. Else old rows and new rows would follow different rules. dbt's own macro, and one
    reason more.
#}
{% macro should_full_refresh() -%}
    {%- set wanted = config.get('full_refresh') if config.get('full_refresh') is not none else flags.FULL_REFRESH -%}
    {%- if not wanted and execute and config.get('materialized') == 'incremental' -%}
        {%- set known = run_query(
            "select obj_description(to_regclass('" ~ this.schema ~ "." ~ this.identifier ~ "')) as definition"
        ).rows[0]['definition'] -%}
        {%- set wanted = known != definition_fingerprint() or is_match_ledger_lost() -%}
    {%- endif -%}
    {{ return(wanted) }}
{%- endmacro %}

{# For post_hook of incremental models: what should_full_refresh compares with. #}
{% macro remember_definition() -%}
    comment on table {{ this }} is {{ literal(definition_fingerprint()) }}
{%- endmacro %}

{% macro definition_fingerprint() -%}
    {%- set parts = [model.raw_code, local_zone(), var('play_definition'), play_definitions() | string] -%}
    {%- for name in [
        'match_tolerance_s', 'double_report_s', 'shifted_report_s', 'late_upload_days', 'upload_overlap_s',
        'recording_tolerance_ms',
    ] -%}
        {%- do parts.append(var(name) | string) -%}
    {%- endfor -%}
    {%- if 'extended_told_twice()' in model.raw_code -%}
        {%- do parts.append(extended_told_twice() ~ account_told_by_extended() ~ uploads_told_late()) -%}
    {%- endif -%}
    {#- listens that were matched anew by other rules have kept their groups' versions #}
    {%- if execute and ("ref('listens')" in model.raw_code or "ref('plays')" in model.raw_code) -%}
        {%- do parts.append(run_query(
            "select obj_description(to_regclass('analytics.listens')) as definition"
        ).rows[0]['definition'] | string) -%}
    {%- endif -%}
    {#- a past day that is asked for knows nothing of what came after it #}
    {%- if 'as_of()' in model.raw_code -%}
        {%- do parts.append((var('as_of', none) or env_var('TRACKER_AS_OF', '')) | string) -%}
    {%- endif -%}
    {{ return('made by ' ~ local_md5(parts | join('|'))) }}
{%- endmacro %}
