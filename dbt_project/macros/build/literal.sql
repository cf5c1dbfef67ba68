{#
    The one way to bring text that a person wrote into SQL. Text becomes a quoted literal, whatever
    it holds; a backslash makes it an E'' literal, which reads the same under every server setting.
    Numbers, booleans and none become their SQL forms.
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
    {%- else -%}
        {{ exceptions.raise_compiler_error("literal: cannot quote " ~ value) }}
    {%- endif -%}
{%- endmacro %}
