{#
    What every playlist promises, asked of all of them at once: models and stored rules, today's and those to come.
    Each row found names its slug: record_test_results gives every playlist its own verdict, and the push refuses
    that playlist alone. A test per model would ask the same of forty tables, and could be forgotten in one.
#}

{# No track, and where the block says so no recording, stands in a playlist twice. #}
{% test selections_hold_each_track_once(model) %}
{{ config(severity='warn') }}
select slug, track_id as doubled
from {{ model }}
group by slug, track_id
having count(*) > 1
union all
select selected.slug, selected.recording_id as doubled
from {{ model }} as selected
inner join (select * from {{ ref('playlist_definitions') }}) as definitions on selected.slug = definitions.slug
where cast(definitions.definition ->> 'dedupe_recordings' as boolean)
group by selected.slug, selected.recording_id
having count(*) > 1
{% endtest %}

{# Nothing that the user excluded stands in a playlist, unless its block asks for it. #}
{% test selections_hold_nothing_excluded(model) %}
{{ config(severity='warn') }}
select selected.slug, selected.track_id
from {{ model }} as selected
inner join (select * from {{ ref('playlist_definitions') }}) as definitions on selected.slug = definitions.slug
inner join (select * from {{ ref('unified_tracks') }}) as tracks on selected.track_id = tracks.track_id
where tracks.is_excluded and not cast(definitions.definition ->> 'include_excluded' as boolean)
{% endtest %}

{# Nothing that is known not to play stands in a playlist, unless its block asks for it; what Spotify refused never does. #}
{% test selections_are_playable(model) %}
{{ config(severity='warn') }}
select selected.slug, selected.track_id
from {{ model }} as selected
inner join (select * from {{ ref('playlist_definitions') }}) as definitions on selected.slug = definitions.slug
inner join (select * from {{ ref('unified_tracks') }}) as tracks on selected.track_id = tracks.track_id
where
    (not tracks.is_playable and not cast(definitions.definition ->> 'include_unavailable' as boolean))
    -- what was refused after the build is the push's affair: it leaves that uri out by itself
    or (tracks.is_refused and selected.invocation_id = '{{ invocation_id }}')
{% endtest %}

{# Every cap of the block holds: tracks, minutes, per artist, per album. #}
{% test selections_are_within_limits(model) %}
{{ config(severity='warn') }}
with

selected as (
    select
        selection.slug,
        definitions.definition as block,
        coalesce(tracks.artist_id, tracks.artist, selection.track_id) as artist,
        coalesce(tracks.album_id, selection.track_id) as album,
        coalesce(tracks.duration_ms, 0) as duration_ms
    from {{ model }} as selection
    inner join (select * from {{ ref('playlist_definitions') }}) as definitions on selection.slug = definitions.slug
    left join (select * from {{ ref('unified_tracks') }}) as tracks on selection.track_id = tracks.track_id
)

select slug, 'tracks' as broken
from selected
group by slug, block
having count(*) > coalesce(cast(block -> 'limit' ->> 'tracks' as integer), 10000)
union all
select slug, 'minutes' as broken
from selected
group by slug, block
having sum(duration_ms) > cast(block -> 'limit' ->> 'minutes' as numeric) * 60000
union all
select slug, 'per_artist' as broken
from selected
group by slug, block, artist
having count(*) > cast(block ->> 'per_artist' as integer)
union all
select slug, 'per_album' as broken
from selected
group by slug, block, album
having count(*) > cast(block ->> 'per_album' as integer)
{% endtest %}

{# Positions are 1, 2, 3 … without a hole: a push writes them as they are. #}
{% test selections_have_contiguous_positions(model) %}
{{ config(severity='warn') }}
select slug
from {{ model }}
group by slug
having min(position) <> 1 or max(position) <> count(*) or count(distinct position) <> count(*)
{% endtest %}

{#
    The order follows from the library alone: the same tracks, arranged once more, stand at the same places. Not asked
    where a later run made the library anew, which then has no verdict, and not of orders by a model's own columns.
#}
{% test selections_are_reproducible(model) %}
{{ config(severity='warn') }}
-- depends_on: {{ ref('playlist_definitions') }}
{%- set playlists = {} -%}
{%- if execute -%}
    {%- for slug in listed_playlists() -%} {%- do playlists.update({slug: playlist_block_of(slug)}) -%} {%- endfor -%}
    {%- for stored in stored_rules() -%}
        {%- do playlists.update({stored.slug: validated_playlist(stored.block)}) -%}
    {%- endfor -%}
{%- endif %}
with

selected as (
    select
        tracks.*,
        selection.slug,
        selection.position
    from {{ model }} as selection
    inner join (select * from {{ ref('unified_tracks') }}) as tracks on selection.track_id = tracks.track_id
    {%- if execute and not is_library_of_selections() %}
    where false
    {%- endif %}
)
{% for slug, block in playlists.items() if orders_by_the_library(block) %}
select slug, track_id, position, place
from (
    with

    chosen as (
        select
            selected.*,
            row_number() over (order by {{ order_terms(block.order_by, shuffle_seed(block.seed)) }}) as play_rank
        from selected
        where slug = {{ literal(slug) }}
    ),

    {{ arrange_tracks(block) }}

    select * from placed
) as arranged_again_{{ loop.index }}
where place <> position
union all
{%- endfor %}
select slug, track_id, position, 0 as place
from selected
where false
{% endtest %}
