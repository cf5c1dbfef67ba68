{#
    The one way to bring text that a person wrote into SQL. Text becomes a quoted literal, whatever
    it holds; a backslash makes it an E'' literal, which reads the same under every server setting.
    Numbers, booleans and none become their SQL forms; a list of texts becomes an array of text.
#}
{% macro literal(value) -%}
    {%- if value is none -%}
        null
    {%- elif value is boolean -%}
        {{ 'true' if value else 'false' }}
    {%- elif value is number -%}
        {{ value }}
    {%- elif value is string -%}
        {%- set quoted = value.replace("'", "''") -%}
        {%- if '\\' in value -%} E'{{ quoted.replace('\\', '\\\\') }}' {%- else -%} '{{ quoted }}' {%- endif -%}
    {%- elif value is sequence and value is not mapping -%}
        cast(array[
            {%- for element in value -%} {{ literal(element) }}{{ ', ' if not loop.last }} {%- endfor -%}
        ] as text [])
    {%- else -%}
        {{ exceptions.raise_compiler_error("literal: cannot quote " ~ value) }}
    {%- endif -%}
{%- endmacro %}
