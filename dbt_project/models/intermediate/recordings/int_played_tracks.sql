{{ config(
    materialized='incremental',
    unique_key='track_id',
    on_schema_change='fail',
    post_hook='{{ remember_data_version() }}',
) }}

with

-- Only tracks with a new report: reading every payload again would cost more with each year.
touched_tracks as (
    select distinct reports.track_key
    from (select * from {{ ref('int_play_reports') }}) as reports
    where
        reports.source = 'api'
        and reports.track_id is not null
        and reports.batch > {{ seen_batch_of(ref('int_play_reports')) }}
),

-- In the order of the answers, the newest first. That is not the order of the plays: a play that was made offline is
-- reported late.
plays as (
    select
        reports.track_id,
        reports.track_uri,
        reports.reported_at as played_at,
        max(reports.batch) over (partition by reports.track_key) as batch,
        row_number() over (
            partition by reports.track_key order by reports.load_id collate "C" desc, reports.reported_at desc
        ) as place
    from (select * from {{ ref('int_play_reports') }}) as reports
    inner join touched_tracks on reports.track_key = touched_tracks.track_key
    where reports.source = 'api'
),

-- lateral and limited: a play is looked up by its key, and its payload alone is unpacked. As a join PostgreSQL may
-- unpack all payloads for each play, while it does not know yet how many there are.
newest_answers as (
    select
        plays.batch,
        plays.place,
        answers.*
    from plays
    cross join
        lateral (
            select *
            from (select * from {{ ref('stg_spotify__recently_played') }}) as recent
            where recent.played_at = plays.played_at and recent.track_uri = plays.track_uri
            limit 1
        ) as answers
    where plays.place = 1
),

-- mostly the newest answer has everything; a song that was taken down has lost its names since
earlier_answers as (
    select
        plays.batch,
        plays.place,
        answers.*
    from newest_answers
    inner join plays on newest_answers.track_uri = plays.track_uri
    cross join
        lateral (
            select *
            from (select * from {{ ref('stg_spotify__recently_played') }}) as recent
            where recent.played_at = plays.played_at and recent.track_uri = plays.track_uri
            limit 1
        ) as answers
    where plays.place > 1 and {{ lacks_facts('newest_answers') }}
),

answers as (
    select * from newest_answers
    union all
    select * from earlier_answers
)

select
    track_id,
    track_uri,
    {{ known_facts('place') }},
    (array_agg(popularity order by place))[1] as popularity,
    max(batch) as batch
from answers
group by track_id, track_uri
