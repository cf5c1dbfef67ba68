{#
    A command that reads relations which nobody has made yet (`dbt test` or `dbt snapshot` as the first one, a single
    model of a new warehouse) would fail once for each of them. It stops here with one line that names what to run.
    After a failed playlist our command makes the selections of the tables that stand, and leaves out the others.
#}
{% macro refuse_missing_relations() -%}
    {%- if execute and not env_var('TRACKER_STANDING_PLAYLISTS_ONLY', '') -%}
        {%- set needed = _relations_read_from_outside() -%}
        {%- set missing = run_query(
            "select name from (values " ~ needed | join(', ') ~ ") as needed (name) where to_regclass(name) is null"
            ~ " order by name not like 'raw\\_%', name"
        ).columns[0].values() if needed else [] -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                "`dbt " ~ invocation_args_dict.which ~ "` reads what nobody has made yet: " ~ missing[0]
                ~ (" and " ~ (missing | length - 1) ~ " more" if missing | length > 1 else "")
                ~ ". Run `" ~ ('tracker env' if missing[0].startswith('raw_') else 'dbt run') ~ "` first."
            ) }}
        {%- endif -%}
    {%- endif -%}
    select 1
{%- endmacro %}

{# What the selected nodes read and this run does not make: `('schema.name')` each, for a list of values in SQL. #}
{% macro _relations_read_from_outside() -%}
    {%- set read = [] -%}
    {%- for unique_id in selected_resources -%}
        {%- set kind = unique_id.split('.')[0] -%}
        {#- a unit test asks for the columns of what its model reads; the graph does not hold it -#}
        {%- set reader = ['model'] + unique_id.split('.')[1:3] if kind == 'unit_test' else unique_id.split('.') -%}
        {#- exposures are selected, too, and are no nodes -#}
        {%- set node = graph.nodes.get(reader | join('.'), {'depends_on': {'nodes': []}}) -%}
        {%- for read_id in node.depends_on.nodes if read_id not in selected_resources -%}
            {%- do read.append(read_id) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set relations = [] -%}
    {%- for read_id in read | unique -%}
        {%- set node = graph.nodes.get(read_id) or graph.sources.get(read_id) -%}
        {#- ledgers are made by hooks, together with what reads them -#}
        {%- if node and node.source_name != 'ledgers' and node.config.materialized != 'ephemeral' -%}
            {%- do relations.append("('" ~ node.schema ~ '.' ~ (node.alias or node.identifier) ~ "')") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}
