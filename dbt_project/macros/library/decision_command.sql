{# What a person types to decide about two tracks: see playlists/recordings.py. #}
{% macro decision_command(kind, track_id, other_track_id) -%}
    'tracker recordings {{ kind }} ' || {{ track_id }} || ' ' || {{ other_track_id }} || ' --reason "…"'
{%- endmacro %}
