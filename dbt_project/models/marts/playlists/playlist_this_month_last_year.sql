{%- set playlist = {
    'title': 'This Month Last Year',
    'description': 'What was played most in this month of last year.',
    'enabled': false,
    'limit': {'tracks': 50},
    'select_by': ['plays_heard desc', 'play_count desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard("date_trunc('month', cast(plays.local_date as timestamp)) = date_trunc('month', cast(" ~ local_today() ~ " as timestamp)) - interval '1 year'") }},

{{ heard_tracks() }},

{{ select_tracks(playlist) }}

select * from selection
