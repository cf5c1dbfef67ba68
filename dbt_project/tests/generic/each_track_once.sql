{# No track, and where the block says so no recording, stands in a playlist twice. #}
{% test each_track_once(model) %}
{{ config(severity='warn') }}
{%- set block = tested_block(model) %}
select track_id as doubled
from {{ model }}
group by track_id
having count(*) > 1
{%- if block.dedupe_recordings %}
union all
select recording_id as doubled
from {{ model }}
group by recording_id
having count(*) > 1
{%- endif %}
{% endtest %}
