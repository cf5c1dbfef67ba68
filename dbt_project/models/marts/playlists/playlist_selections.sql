{#- After a failed playlist our command builds this again, and a table that never stood is left out. -#}
{%- set standing_only = execute and env_var('TRACKER_STANDING_PLAYLISTS_ONLY', '') -%}
with

selections as (
    {%- for slug in listed_playlists() %}
    {%- set model = ref('playlist_' ~ slug) %}
    {%- if not standing_only or load_relation(model) is not none %}
    select
        {{ literal(slug) }} as slug,
        position,
        track_id,
        track_uri,
        recording_id
    from {{ model }}
    union all
    {%- endif %}
    {%- endfor %}
    select
        slug,
        position,
        track_id,
        track_uri,
        recording_id
    from {{ ref('stored_rule_selections') }}
)

select
    slug,
    position,
    track_id,
    track_uri,
    recording_id,
    '{{ invocation_id }}' as invocation_id
from selections
