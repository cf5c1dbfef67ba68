{%- for slug in var('playlists') %}
select
    {{ literal(slug) }} as slug,
    position,
    track_id,
    track_uri,
    recording_id
from {{ ref('playlist_' ~ slug) }}
union all
{%- endfor %}
select
    slug,
    position,
    track_id,
    track_uri,
    recording_id
from {{ ref('stored_rule_selections') }}
