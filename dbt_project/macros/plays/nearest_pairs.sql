{#
    CTEs `<name>_pairs`: (left_id, right_id), each id at most once, out of <candidates>: (left_id, right_id, cost).
    In each round those become a pair that are each other's nearest; what is left tries again. The cheapest
    candidate of all is such a pair in every round, so a round always gets on; reports of one song within
    minutes are two or three, and `rounds` is more than they need. Ties are broken by id, whatever the collation.
#}
{% macro nearest_pairs(name, candidates, rounds=3) -%}
    {%- for round in range(1, rounds + 1) %}
    {%- set source = candidates if loop.first else name ~ '_left_' ~ (round - 1) %}
{{ name }}_ranked_{{ round }} as (
    select
        left_id,
        right_id,
        row_number() over (partition by left_id order by cost, right_id collate "C") as place_of_right,
        row_number() over (partition by right_id order by cost, left_id collate "C") as place_of_left
    from {{ source }}
),

{{ name }}_pairs_{{ round }} as (
    select
        left_id,
        right_id
    from {{ name }}_ranked_{{ round }}
    where place_of_right = 1 and place_of_left = 1
),
    {%- if not loop.last %}

{{ name }}_left_{{ round }} as (
    select candidates.*
    from {{ source }} as candidates
    left join {{ name }}_pairs_{{ round }} as taken_left on candidates.left_id = taken_left.left_id
    left join {{ name }}_pairs_{{ round }} as taken_right on candidates.right_id = taken_right.right_id
    where taken_left.left_id is null and taken_right.right_id is null
),
    {% endif %}
    {%- endfor %}

{{ name }}_pairs as (
    {%- for round in range(1, rounds + 1) %}
    select * from {{ name }}_pairs_{{ round }}
    {{- ' union all' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
