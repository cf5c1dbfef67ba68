{#
    For pre_hook of `listens`: the steps of matching are joined by hash where many groups are made again. PostgreSQL
    guesses one row for most of them, and would compare each with each. Few groups keep their look-ups by index.
#}
{% macro plan_for_many_groups(ledger) -%}
    {%- set count = run_query("select count(*) as groups from (" ~ changed_groups(ledger) ~ ") as changed").rows[0]['groups']
        if execute and is_incremental() else none -%}
    set local enable_nestloop = {{ 'off' if count is none or count > 500 else 'on' }}
{%- endmacro %}
