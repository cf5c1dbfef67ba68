-- depends_on: {{ ref('unified_tracks') }}
-- depends_on: {{ ref('int_playlist_members') }}
-- depends_on: {{ ref('int_playlist_rules') }}
{%- for stored in stored_rules() %}
select
    {{ literal(stored.slug) }} as slug,
    position,
    track_id,
    track_uri,
    recording_id
from (
    with

    {{ rule_ctes(stored.rule, stored.block) }}

    select * from selection
) as selection_{{ loop.index }}
union all
{%- endfor %}
select
    cast(null as text) as slug,
    cast(null as integer) as position,
    cast(null as text) as track_id,
    cast(null as text) as track_uri,
    cast(null as text) as recording_id
where false
