{# Positions are 1, 2, 3 … without a hole, per group: a push writes them as they are. #}
{% test contiguous_positions(model, group_by=none) %}
with

numbered as (
    select
        position,
        row_number() over ({% if group_by %}partition by {{ group_by }} {% endif %}order by position) as expected
    from {{ model }}
)

select *
from numbered
where position is distinct from expected
{% endtest %}
