{%- set playlist = {
    'title': 'One Artist Tonight',
    'description': 'One artist of the library, another one every day.',
    'enabled': false,
    'limit': {'tracks': 50},
    'order_by': 'random',
    'seed': 'day',
} -%}

{{ config(meta={'playlist': playlist}) }}

with

tracks as (
    select * from {{ ref('unified_tracks') }}
),

artists as (
    select artist_id
    from tracks
    where
        artist_id is not null
        and is_excluded is not true
        and is_playable is not false
    group by artist_id
    having count(*) >= {{ var('one_artist_min_tracks') }}
),

artist_tonight as (
    select artist_id
    from artists
    order by md5({{ shuffle_seed(playlist.seed) }} || ' ' || artist_id) collate "C"
    limit 1
),

candidates as (
    select tracks.*
    from tracks
    inner join artist_tonight on tracks.artist_id = artist_tonight.artist_id
),

{{ select_tracks(playlist) }}

select * from selection
