{%- set playlist = {
    'title': 'Now Playable Again',
    'description': 'Could not be played for a while, and can be again since lately.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['playable_since desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

unplayable as (
    select
        track_id,
        market,
        unplayable_until
    from {{ ref('int_unplayable_tracks') }}
    where {{ in_the_last(local_date('unplayable_until'), var('playable_again_days')) }}
),

availability as (
    select
        track_id,
        market
    from {{ ref('int_track_availability') }}
    where is_playable
),

library as (
    select *
    from {{ ref('unified_tracks') }}
),

returns as (
    select
        unplayable.track_id,
        max(unplayable.unplayable_until) as playable_since
    from unplayable
    -- of the market of today alone: what plays where the account was says nothing
    inner join availability on unplayable.track_id = availability.track_id and unplayable.market = availability.market
    group by unplayable.track_id
),

candidates as (
    select
        library.*,
        returns.playable_since
    from library
    inner join returns on library.track_id = returns.track_id
),

{{ select_tracks(playlist) }}

select * from selection
