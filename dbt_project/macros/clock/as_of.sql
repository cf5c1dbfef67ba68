{#
    Now, the only one: var as_of, else TRACKER_AS_OF, else the time at which this run started. So every model of one
    build agrees on the day, and a unit test or `dbt compile` can ask for another; see refuse_another_day for builds.
    Read under `execute` alone: at parse a changing value would make dbt parse the project again.
#}
{% macro as_of() -%}
    {%- if not execute -%}
        cast(null as timestamptz)
    {%- else -%}
        {%- set given = var('as_of', none) or env_var('TRACKER_AS_OF', '') -%}
        {%- if given -%}
            {%- set moment = modules.datetime.datetime.fromisoformat((given | string).replace('Z', '+00:00')) -%}
        {%- else -%}
            {%- set moment = run_started_at -%}
        {%- endif -%}
        {%- if moment.utcoffset() is none -%}
            {{ exceptions.raise_compiler_error(
                "as_of: '" ~ given ~ "' has no offset from UTC. Write it as 2026-03-01T12:00:00+00:00."
            ) }}
        {%- endif -%}
        cast('{{ moment.isoformat() }}' as timestamptz)
    {%- endif -%}
{%- endmacro %}
