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
    that, PostgreSQL expects many times more rows than there are, and writes its joins to thousands of files; or far fewer,
    where years are imported into a table of weeks, and compares each row with each.
#}
{% macro analyze_where_grown() -%}
    {{ 'analyze ' ~ this if not is_incremental() or has_grown(this) else 'select 1' }}
{%- endmacro %}

{# Whether a table has a fifth more pages than PostgreSQL knew when it last looked. #}
{% macro has_grown(table) -%}
    {%- if not execute -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(
        run_query(
            "select pg_relation_size(oid) > 1.2 * relpages * cast(current_setting('block_size') as integer) as has_grown"
            " from pg_class where oid = cast('" ~ table ~ "' as regclass)"
        ).rows[0]['has_grown']
    ) }}
{%- endmacro %}
