{#
    Text as it is compared: without case, and with an accent composed in one way. Made by profiles/ops.sql, so that it
    does not depend on the rules that the database was created with.
#}
{% macro fold(text) -%}
    ops.fold({{ text }})
{%- endmacro %}

{# Whether a regular expression is found in the text, without regard to case. #}
{% macro matches(text, pattern) -%}
    ops.matches({{ text }}, {{ pattern }})
{%- endmacro %}
