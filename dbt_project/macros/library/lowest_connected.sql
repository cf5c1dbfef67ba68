{#
    CTEs that end in `<name>`: (<member>, lowest_<member>), out of <links>: (<member>, other_<member>). What is linked, in
    one step or in many, gets the lowest of its members, whichever of them the links begin with.
#}
{% macro lowest_connected(name, links, member) -%}
{{ name }}_both_ways as (
    select {{ member }}, other_{{ member }} from {{ links }}
    union
    select other_{{ member }} as {{ member }}, {{ member }} as other_{{ member }} from {{ links }}
),

{{ name }}_reached as (
    with recursive steps as (
        select {{ member }}, other_{{ member }} from {{ name }}_both_ways
        union
        select steps.{{ member }}, links.other_{{ member }}
        from steps
        inner join {{ name }}_both_ways as links on steps.other_{{ member }} = links.{{ member }}
    )

    select {{ member }}, other_{{ member }} from steps
),

{{ name }} as (
    select
        {{ member }},
        min(other_{{ member }} collate "C") as lowest_{{ member }}
    from {{ name }}_reached
    group by {{ member }}
)
{%- endmacro %}
