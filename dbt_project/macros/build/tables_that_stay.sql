{#
    A table that says `config.meta.stays` is filled anew in each build and stays the same table, so that views on it stay,
    too: dbt's own way puts another table in its place and drops the old one with every view on it, which then lack until
    they are built. Readers see the old rows until the new ones are there. A build that would write the same rows writes
    nothing. Only other columns, or a full refresh, make it anew.
#}
{% materialization table, adapter='postgres' -%}
    {{ return(_refilled_table() if config.get('meta').get('stays') else dbt.materialization_table_default()) }}
{%- endmaterialization %}

{% macro _refilled_table() -%}
    {%- set standing = load_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}
    {%- if _can_be_refilled(standing, sql) -%}
        {%- set fresh = make_temp_relation(target_relation) -%}
        {%- call statement('fresh') -%}
            {{ get_assert_columns_equivalent(sql) if config.get('contract').enforced }}
            create temporary table {{ fresh }} on commit drop as ({{ sql }})
        {%- endcall -%}
        {%- set columns = adapter.get_columns_in_relation(standing) | map(attribute='quoted') | join(', ') -%}
        {%- call statement('main') -%}
            {%- if _are_rows_different(fresh, standing, columns) %}
            delete from {{ standing }};
            insert into {{ standing }} ({{ columns }}) select {{ columns }} from {{ fresh }}
            {%- else %}
            select 1 where false
            {%- endif -%}
        {%- endcall -%}
    {%- else -%}
        {%- if standing is not none -%}
            {%- do adapter.drop_relation(standing) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            {{ get_create_table_as_sql(false, target_relation, sql) }}
        {%- endcall -%}
        {%- do create_indexes(target_relation) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {%- do apply_grants(target_relation, config.get('grants'), should_revoke=standing is not none) -%}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}

{# Whether the table that stands has the columns of this select. #}
{% macro _can_be_refilled(standing, sql) -%}
    {%- if standing is none or not standing.is_table or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set has = get_column_schema_from_query("select * from " ~ standing ~ " where false") -%}
    {%- set wanted = get_column_schema_from_query(get_empty_subquery_sql(sql)) -%}
    {{ return(has | map(attribute='column') | list == wanted | map(attribute='column') | list
        and has | map(attribute='dtype') | list == wanted | map(attribute='dtype') | list) }}
{%- endmacro %}

{% macro _are_rows_different(fresh, standing, columns) -%}
    {{ return(run_query(
        "select exists (select " ~ columns ~ " from " ~ fresh ~ " except all select " ~ columns ~ " from " ~ standing ~ ")"
        ~ " or exists (select " ~ columns ~ " from " ~ standing ~ " except all select " ~ columns ~ " from " ~ fresh ~ ")"
        ~ " as is_different"
    ).rows[0]['is_different']) }}
{%- endmacro %}
