{# Whether so few groups are made again that their rows are looked up by index. #}
{% macro are_few_groups_changed(ledger) -%}
    {%- if not execute or not is_incremental() -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(
        run_query("select count(*) as groups from (" ~ changed_groups(ledger) ~ ") as changed").rows[0]['groups'] <= 500
    ) }}
{%- endmacro %}

{#
    For pre_hook of `int_listens`, until the end of its transaction: the steps of matching are joined by hash. PostgreSQL
    expects one row for most of them and would compare each row with each, also for a song that was heard a thousand times.
    A merge join by song alone would do the same.
#}
{% macro join_by_hash() -%}
    set local enable_nestloop = off;
    set local enable_mergejoin = off
{%- endmacro %}

{#
    For post_hook of a table that matching reads: what is built next in this build has to know how large it is. Without
    that, PostgreSQL expects many times more rows than there are, and writes its joins to thousands of files.
#}
{% macro analyze_where_made_anew() -%}
    {{ 'select 1' if is_incremental() else 'analyze ' ~ this }}
{%- endmacro %}
