{%- set playlist = {
    'title': 'On Repeat',
    'description': 'What was played again and again in the last two weeks.',
    'enabled': false,
    'limit': {'tracks': 30},
    'select_by': ['plays_heard desc', 'last_played_at desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

{{ heard(in_the_last('plays.local_date', var('on_repeat_days'))) }},

{{ heard_tracks(at_least=var('on_repeat_min_plays')) }},

{{ select_tracks(playlist) }}

select * from selection
