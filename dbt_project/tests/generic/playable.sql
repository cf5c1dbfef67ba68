{# Nothing that is known not to play stands in a playlist, unless its block asks for it. #}
{% test playable(model) %}
{{ config(severity='warn') }}
select selected.track_id
from {{ model }} as selected
inner join {{ ref('unified_tracks') }} as tracks on selected.track_id = tracks.track_id
where not tracks.is_playable and not {{ tested_block(model).include_unavailable }}
{% endtest %}
