{%- set playlist = {
    'title': 'Evening',
    'description': 'What is played in the evening, by the hours of the person.',
    'enabled': false,
    'limit': {'tracks': 50},
    'per_artist': 3,
    'select_by': ['plays_heard desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard_in_hours(var('evening_hours')) }},

{{ heard_tracks(at_least=var('evening_min_plays')) }},

{{ select_tracks(playlist) }}

select * from selection
