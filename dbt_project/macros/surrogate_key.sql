{# A key of several columns. Expressions must be text: a timestamp's text changes with the session's TimeZone. #}
{% macro surrogate_key(expressions) -%}
    md5({% for expression in expressions %}coalesce({{ expression }}, '') {{ "|| '|' ||" if not loop.last }} {% endfor %})
{%- endmacro %}
