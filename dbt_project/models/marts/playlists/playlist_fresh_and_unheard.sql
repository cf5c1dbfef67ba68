{%- set playlist = {
    'title': 'Fresh And Unheard',
    'description': 'Released lately, in the library, not heard yet; the newest release first.',
    'enabled': false,
    'limit': {'tracks': 50},
    'per_album': 3,
    'select_by': ['release_date desc', 'album_id asc', 'disc_number asc', 'track_number asc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

candidates as (
    select *
    from {{ ref('unified_tracks') }}
    where
        play_count = 0
        and release_precision = 'day'
        and {{ in_the_last('release_date', var('fresh_days')) }}
),

{{ select_tracks(playlist) }}

select * from selection
