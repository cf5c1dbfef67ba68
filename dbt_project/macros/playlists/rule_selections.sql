{#
    The rules kept in the database that this build uses, as a list of {slug, rule, block}; read when dbt
    executes, never when it parses. int_playlist_rules holds those alone that were checked: a macro that
    raised for one of them would take every playlist with it.
#}
{% macro stored_rules() -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {#- by the graph, not by ref(): the hook at the end of a run asks as well, and hooks have no refs -#}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.int_playlist_rules'] -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if relation is not none -%}
            {#- one JSON text a row: agate would take a slug called `null` for nothing -#}
            {%- set rows = run_query(
                "select cast(jsonb_build_object('slug', slug, 'rule', rule, 'block', block) as text) as stored"
                ~ " from " ~ relation ~ " order by slug"
            ).rows -%}
            {%- for row in rows -%} {%- do found.append(fromjson(row['stored'])) -%} {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{# The CTEs from unified_tracks to `selection`: what a model with this rule and this block would say. #}
{% macro rule_ctes(rule, block) -%}
candidates as (
    select *
    from (select * from {{ ref('unified_tracks') }}) as tracks
    where {{ rule_filter(rule) | trim }}
),

{{ select_tracks(block) }}
{%- endmacro %}

{#
    One rule that is not stored, from the environment variable TRACKER_RULE: for `playlists preview` and
    `explain`, which compile it as an inline query with TRACKER_GATES set. One row per track of the library: which
    conditions it meets, in the order in which the rule is read, and beside it the gates that it passed.
#}
{% macro rule_in_question() -%}
-- depends_on: {{ ref('unified_tracks') }}
-- depends_on: {{ ref('int_playlist_members') }}
{%- if execute %}
{%- set stored = fromjson(env_var('TRACKER_RULE')) %}
{%- set conditions = [] -%}
{%- do rule_leaves(stored.rule, conditions) %}
with

{{ rule_ctes(stored.rule, stored.block) }},

judged as (
    select
        tracks.track_id as judged_id,
        array[{% for condition in conditions %}{{ rule_condition(condition) | trim }}{{ ', ' if not loop.last }}{% endfor %}] as holds
    from (select * from {{ ref('unified_tracks') }}) as tracks
)

select *
from judged
left join selection on judged.judged_id = selection.track_id
{%- else %}
select 1 as nothing
{%- endif %}
{%- endmacro %}

{% macro rule_leaves(rule, found) -%}
    {%- for part in rule.conditions -%}
        {%- if 'conditions' in part -%} {%- do rule_leaves(part, found) -%}
        {%- else -%} {%- do found.append(part) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
