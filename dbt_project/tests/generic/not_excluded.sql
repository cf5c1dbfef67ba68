{# Nothing that the user excluded stands in a playlist, unless its block asks for it. #}
{% test not_excluded(model) %}
{{ config(severity='warn') }}
select selected.track_id
from {{ model }} as selected
inner join {{ ref('unified_tracks') }} as tracks on selected.track_id = tracks.track_id
where tracks.is_excluded and not {{ tested_block(model).include_excluded }}
{% endtest %}
