{#
    The version that a count as of now was made of. A listen may have a time in the future, from a device whose clock was
    wrong. It does not count yet, and its group is made again in every build until it does.
#}
{% macro version_so_far(version, match_group) -%}
    case
        when {{ match_group }} in (
            select still_to_come.match_group from (select * from {{ ref('int_listens') }}) as still_to_come
            where still_to_come.played_at > {{ as_of() }}
        ) then {{ version }} || ' so far'
        else {{ version }}
    end
{%- endmacro %}
