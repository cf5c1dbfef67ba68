{#
    Values out of a payload that Spotify may change: a missing key, a JSON null, an empty text or a
    value of another type all become null and never an error. Path elements follow the first argument.
#}
{% macro json_path(path) -%}
    '{ {{- path | join(',') -}} }'
{%- endmacro %}

{% macro json_text(document) -%}
    nullif({{ document }} #>> {{ json_path(varargs) }}, '')
{%- endmacro %}

{% macro json_integer(document) -%}
    {%- set value = document ~ ' #> ' ~ json_path(varargs) -%}
    case
        when jsonb_typeof({{ value }}) = 'number'
            then case
                when cast({{ value }} as numeric) between -2147483648 and 2147483647
                    then cast({{ value }} as integer)
            end
    end
{%- endmacro %}

{% macro json_boolean(document) -%}
    {%- set value = document ~ ' #> ' ~ json_path(varargs) -%}
    case when jsonb_typeof({{ value }}) = 'boolean' then cast({{ value }} as boolean) end
{%- endmacro %}

{# The first of several keys that holds an object: Spotify names one thing `item` here and `track` there. #}
{% macro json_object(document) -%}
    coalesce(
        {%- for key in varargs %}
        case when jsonb_typeof({{ document }} -> '{{ key }}') = 'object' then {{ document }} -> '{{ key }}' end
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# An array that can be unnested without an error: anything else becomes an empty one. #}
{% macro json_array(document) -%}
    {%- set value = document ~ ' #> ' ~ json_path(varargs) -%}
    case when jsonb_typeof({{ value }}) = 'array' then {{ value }} else '[]' end
{%- endmacro %}

{#
    Parts of a payload, each worked out once per row: without `limit` PostgreSQL would put the expression in
    the place of every column that is made of it, and unpack the payload dozens of times.
#}
{% macro json_parts() -%}
    cross join lateral (
        select
            {%- for name, expression in kwargs.items() %}
            {{ expression }} as {{ name }} {{- ',' if not loop.last }}
            {%- endfor %}
        limit 1
    ) as parts
{%- endmacro %}

{#
    The latest answer of a raw table whose rows are replaced by later ones; where Spotify emptied what it once told,
    the same answer filled from earlier ones. Null in `filled_payload`: the latest lacks nothing that was known.

    A database of an earlier version has the column from the first load of this version on. Until then a bare
    `dbt build` would fail for it, so the table is looked at before.
#}
{% macro filled_payload(table, alias) -%}
    {%- set raw_table = api.Relation.create(database=target.dbname, schema='raw_spotify', identifier=table) -%}
    {%- set columns = adapter.get_columns_in_relation(raw_table) | map(attribute='name') | list if execute else [] -%}
    {%- if columns and 'filled_payload' not in columns -%}
        {{ alias }}.payload
    {%- else -%}
        coalesce({{ alias }}.filled_payload, {{ alias }}.payload)
    {%- endif -%}
{%- endmacro %}
