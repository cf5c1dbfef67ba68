{%- set playlist = {
    'title': 'Morning',
    'description': 'What is played in the morning, by the hours of the person.',
    'enabled': false,
    'limit': {'tracks': 50},
    'per_artist': 3,
    'select_by': ['plays_heard desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard_in_hours(var('morning_hours')) }},

{{ heard_tracks(at_least=var('morning_min_plays')) }},

{{ select_tracks(playlist) }}

select * from selection
