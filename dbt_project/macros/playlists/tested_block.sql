{# The validated block of the playlist model that a generic test is attached to. #}
{% macro tested_block(relation) -%}
    {%- if not execute -%} {{ return(playlist_defaults()) }} {%- endif -%}
    {%- set slug = model.attached_node.split('.')[-1][9:] -%}
    {{ return(playlist_block_of(slug)) }}
{%- endmacro %}
