{#
    Makes our functions when a run starts, so that `dbt run`, `dbt test` and `dbt build` find them alike. Two runs that
    replace a function at the same moment would fail ("tuple concurrently updated"), hence the lock, which lasts
    until this hook has ended.
#}
{% macro make_functions() -%}
    select pg_advisory_xact_lock(hashtextextended('tracker:functions', 0));
    create schema if not exists {{ generate_schema_name('analytics', none) }};
    {{ make_places_apart() }}
{%- endmacro %}
