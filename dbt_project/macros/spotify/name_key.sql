{#
    A name as people would say it: without case, accents, punctuation and featured artists. Words such as
    live, remix, acoustic, edit or remaster stay, so that those recordings stay apart.
    Where nothing is left ("!!!") the name itself is the key: else all such names would be one.
#}
{% macro name_key(name) -%}
    {%- set plain = "regexp_replace(normalize(lower(" ~ name ~ "), nfkd), '[\\u0300-\\u036f]', '', 'g')" -%}
    {%- set alone = "regexp_replace(" ~ plain ~ ", '[\\(\\[](feat|ft|featuring)\\M[^\\)\\]]*[\\)\\]]', ' ', 'g')" -%}
    {%- set words = "regexp_replace(" ~ alone ~ ", '[!-/:-@\\[-`{-~\\u2010-\\u201f\\u2026[:space:]]+', ' ', 'g')" -%}
    coalesce(nullif(btrim(replace({{ words }}, 'remastered', 'remaster')), ''), lower({{ name }}))
{%- endmacro %}
