{%- set playlist = {
    'title': 'Year In Music',
    'description': 'What was played most in a calendar year: var year_in_music, or this one.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['plays_heard desc', 'play_count desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard(in_year('plays.local_date', var('year_in_music'))) }},

{{ heard_tracks() }},

{{ select_tracks(playlist) }}

select * from selection
