{#
    The time at which a query asks, for views that tell between two builds how things are; every decision takes as_of().
    In the databases of the demo and of tests it is the simulated time. `installation` is the CTE with simulated_at.
#}
{% macro live_now(installation) -%}
    coalesce((select {{ installation }}.simulated_at from {{ installation }}), now())
{%- endmacro %}
