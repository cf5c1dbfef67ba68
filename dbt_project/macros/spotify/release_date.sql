{# "1981", "1981-12" and "1981-12-15" become the first day they may mean; "0000" and anything else null. #}
{% macro release_date(released) -%}
    case
        when {{ released }} !~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$' then null
        when {{ released }} like '0000%' then null
        -- the day is added to the first of the month: make_date would raise on a 30 February
        else make_date(
            cast(substr({{ released }}, 1, 4) as integer),
            cast(coalesce(nullif(substr({{ released }}, 6, 2), ''), '1') as integer),
            1
        ) + cast(coalesce(nullif(substr({{ released }}, 9, 2), ''), '1') as integer) - 1
    end
{%- endmacro %}

{# Spotify's own word where we know it; otherwise by the length of the date. #}
{% macro release_precision(released, precision) -%}
    case
        when {{ release_date(released) }} is null then null
        when {{ precision }} in ('year', 'month', 'day') then {{ precision }}
        when length({{ released }}) = 4 then 'year'
        when length({{ released }}) = 7 then 'month'
        when length({{ released }}) = 10 then 'day'
    end
{%- endmacro %}
