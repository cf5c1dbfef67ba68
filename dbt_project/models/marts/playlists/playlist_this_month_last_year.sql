{%- set playlist = {
    'title': 'This Month Last Year',
    'description': 'What was played most in this month of last year.',
    'enabled': false,
    'limit': {'tracks': 50},
    'select_by': ['plays_heard desc', 'play_count desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard(in_month('plays.local_date', years_ago=1)) }},

{{ heard_tracks() }},

{{ select_tracks(playlist) }}

select * from selection
