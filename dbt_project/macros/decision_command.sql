{# What a person types to decide about two tracks: see profiles/recordings.py. #}
{% macro decision_command(kind, track_id, other_track_id) -%}
    'python -m profiles.recordings {{ kind }} ' || {{ track_id }} || ' ' || {{ other_track_id }} || ' --reason "…"'
{%- endmacro %}
