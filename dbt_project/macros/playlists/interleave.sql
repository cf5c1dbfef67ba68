{#
    For a model that mixes other playlists: `candidates` with the tracks of each in turn, as they stand there.
    `per_turn` is how many of each playlist a turn takes (a list beside the slugs; left out, one of each). The block then
    says select_by: [interleave_turn, interleave_source, interleave_place]; a track of several stands in its first turn.
    Needs its refs while dbt parses, so the slugs are written in the model and not in a var that a command line changes.
#}
{% macro interleave(slugs, per_turn=none) -%}
interleaved as (
    {%- for slug in slugs %}
    select
        track_id,
        (position - 1) / {{ per_turn[loop.index0] if per_turn else 1 }} as interleave_turn,
        {{ loop.index }} as interleave_source,
        position as interleave_place
    from {{ ref('playlist_' ~ slug) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

candidates as (
    select
        tracks.*,
        interleaved.interleave_turn,
        interleaved.interleave_source,
        interleaved.interleave_place
    from (select * from {{ ref('unified_tracks') }}) as tracks
    inner join interleaved on tracks.track_id = interleaved.track_id
)
{%- endmacro %}
