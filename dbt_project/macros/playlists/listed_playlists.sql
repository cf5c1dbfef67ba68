{# The slugs of the var `playlists`. One that stands there twice is refused while dbt parses. #}
{% macro listed_playlists() -%}
    {%- set listed = [] -%}
    {%- for slug in var('playlists') -%}
        {%- if slug in listed -%}
            {{ exceptions.raise_compiler_error(
                "The var playlists of dbt_project.yml names " ~ slug ~ " twice. Take one of the two lines out."
            ) }}
        {%- endif -%}
        {%- do listed.append(slug) -%}
    {%- endfor -%}
    {{ return(listed) }}
{%- endmacro %}

{#
    Stops a run where a playlist model has no line in the var `playlists` (no selection would be made of it, and nothing
    would say so), and where one with a line has no block. For a line without a model dbt says it: a ref to nothing.
    A list on the command line (`--vars`) is meant as it is.
#}
{% macro refuse_unlisted_playlists() -%}
    {%- if execute and 'playlists' not in (invocation_args_dict.get('vars') or {}) -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and 'playlist' in node.config.meta -%}
            {%- if node.name[9:] not in listed_playlists() -%}
                {{ exceptions.raise_compiler_error(
                    node.name ~ " is in no build: add the line '- " ~ node.name[9:]
                    ~ "' to the var playlists of dbt_project.yml."
                ) }}
            {%- endif -%}
        {%- endfor -%}
        {%- for slug in listed_playlists() -%} {%- do playlist_block_of(slug) -%} {%- endfor -%}
    {%- endif -%}
    select 1
{%- endmacro %}
