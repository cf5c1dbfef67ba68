{%- set playlist = {
    'title': 'Now Playable Again',
    'description': 'Could not be played for a while, and can be again since lately.',
    'enabled': false,
    'limit': {'tracks': 100},
    'select_by': ['playable_since desc'],
} -%}

{{ config(meta={'playlist': playlist}) }}

with

answers as (
    select
        track_id,
        market,
        dbt_valid_to
    from {{ ref('track_availability_history') }}
    where
        is_playable = false
        and dbt_valid_to is not null
        and {{ in_the_last(local_date('dbt_valid_to'), var('playable_again_days')) }}
),

availability as (
    select
        track_id,
        market
    from {{ ref('int_track_availability') }}
    where is_playable
),

returns as (
    select
        answers.track_id,
        max(answers.dbt_valid_to) as playable_since
    from answers
    -- of the market of today alone: what plays where the account was says nothing
    inner join availability on answers.track_id = availability.track_id and answers.market = availability.market
    group by answers.track_id
),

candidates as (
    select
        tracks.*,
        returns.playable_since
    from {{ ref('unified_tracks') }} as tracks
    inner join returns on tracks.track_id = returns.track_id
),

{{ select_tracks(playlist) }}

select * from selection
