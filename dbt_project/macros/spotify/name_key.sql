{#
    A name as people would say it: without case, accents, punctuation and featured artists. Words such as
    live, remix, acoustic, edit or remaster stay, so that those recordings stay apart.
    It uses no character classes and no word boundaries, because their meaning depends on the collation of the database.
    Where nothing is left ("!!!") the name itself is the key: otherwise all such names would be one.
#}
{% macro name_key(name) -%}
    {%- set plain = "regexp_replace(normalize(" ~ fold(name) ~ ", nfkd), '[\\u0300-\\u036f]', '', 'g')" -%}
    {%- set alone = "regexp_replace(" ~ plain ~ ", '[\\(\\[](feat|ft|featuring)(?![a-z0-9])[^\\)\\]]*[\\)\\]]', ' ', 'g')" -%}
    {%- set words = "regexp_replace(" ~ alone ~ ", '[!-/:-@\\[-`{-~\\u2010-\\u201f\\u2026 \\t\\n\\v\\f\\r\\u0085\\u1680\\u2028\\u2029]+', ' ', 'g')" -%}
    coalesce(nullif(btrim(replace({{ words }}, 'remastered', 'remaster')), ''), {{ fold(name) }})
{%- endmacro %}
