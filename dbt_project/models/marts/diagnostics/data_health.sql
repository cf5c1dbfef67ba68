-- a view, and by the time of the question: what has gone wrong since the last build shows at once
{{ config(materialized='view') }}

with

installation as (
    select simulated_at from {{ ref('stg_ops__installation') }}
),

clock as (
    select {{ live_now('installation') }} as checked_at
),

polls as (
    select polled_at from {{ ref('stg_ops__play_polls') }}
    where outcome in ('new', 'nothing_new', 'empty')
),

source_checks as (
    select
        resource,
        checked_at
    from {{ ref('stg_ops__source_checks') }}
    where is_complete
),

gaps as (
    select ended_at from {{ ref('history_gaps') }}
    where is_loss_possible and not is_closed
),

calendar as (
    select
        local_date,
        completeness
    from {{ ref('calendar') }}
),

quarantined_rows as (
    select noticed_at from {{ ref('stg_ops__quarantined_rows') }}
),

listens as (
    select
        undecided_count,
        listen_count
    from {{ ref('play_definitions') }}
    where is_in_use
),

doubtful_recordings as (
    select track_id from {{ ref('duplicate_recordings') }}
    where is_in_library
),

playlists as (
    select state from {{ ref('stg_ops__playlists') }}
    where state in ('failing', 'deleted_on_spotify')
),

tokens as (
    select
        authorized_at,
        invalid_since
    from {{ ref('stg_ops__tokens') }}
    where name = 'spotify'
),

cooldowns as (
    select
        until,
        noticed_at
    from {{ ref('stg_ops__api_cooldowns') }}
),

runs as (
    select
        flow,
        finished_at
    from {{ ref('stg_ops__runs') }}
    where state = 'completed'
),

build_results as (
    select
        unique_id,
        status,
        finished_at
    from {{ ref('stg_ops__build_results') }}
),

api_fields as (
    select last_seen from {{ ref('api_fields') }}
    where is_dried_up
),

-- 1. How long ago was each of them seen? The limits are those of `dbt source freshness`. ------------------------------

seen as (
    select
        'fresh_plays' as check_name,
        'Plays: the last poll that Spotify answered' as title,
        max(polled_at) as noticed_at,
        interval '1 hour' as warn_after,
        interval '1 day' as red_after,
        'tracker sync plays' as remedy
    from polls
    {%- for resource, what in {
        'liked_tracks': ('fresh_likes', 'Likes: the last complete look', 'tracker sync likes'),
        'saved_albums': ('fresh_albums', 'Saved albums: the last complete look', 'tracker sync albums'),
    }.items() %}
    union all
    select
        {{ literal(what[0]) }} as check_name,
        {{ literal(what[1]) }} as title,
        max(checked_at) as noticed_at,
        interval '36 hours' as warn_after,
        interval '7 days' as red_after,
        {{ literal(what[2]) }} as remedy
    from source_checks
    where resource = {{ literal(resource) }}
    {%- endfor %}
    union all
    select
        'backup' as check_name,
        'The last backup' as title,
        max(finished_at) as noticed_at,
        interval '3 days' as warn_after,
        interval '30 days' as red_after,
        'tracker backup' as remedy
    from runs
    where flow = 'backup'
    union all
    select
        'build' as check_name,
        'The last build with its tests' as title,
        max(finished_at) as noticed_at,
        interval '36 hours' as warn_after,
        interval '7 days' as red_after,
        'tracker build' as remedy
    from build_results
),

fresh as (
    select
        seen.check_name,
        seen.title,
        case
            when clock.checked_at - seen.noticed_at >= seen.red_after then 'red'
            when clock.checked_at - seen.noticed_at < seen.warn_after then 'ok'
            else 'warn'
        end as state,
        case
            when seen.noticed_at is null then 'never'
            else round(extract(epoch from clock.checked_at - seen.noticed_at) / 3600, 1) || ' hours ago'
        end as figure,
        seen.remedy,
        seen.noticed_at
    from seen
    cross join clock
),

-- 2. How many of them are there? Some are worth a look, others stop the product. --------------------------------------

counted as (
    select
        'gaps' as check_name,
        'Times of the last 30 days in which plays may be missing' as title,
        'warn' as state_if_any,
        count(*) as found,
        'tracker import PATH' as remedy,
        max(gaps.ended_at) as noticed_at
    from clock
    inner join gaps on gaps.ended_at > clock.checked_at - interval '30 days'
    union all
    select
        'quarantined_rows' as check_name,
        'Rows of Spotify that could not be stored' as title,
        'red' as state_if_any,
        count(*) as found,
        'tracker psql -c "table ops.quarantined_rows"' as remedy,
        max(noticed_at) as noticed_at
    from quarantined_rows
    union all
    select
        'doubtful_recordings' as check_name,
        'Pairs of tracks of the library that may be one recording' as title,
        'warn' as state_if_any,
        count(*) as found,
        'tracker recordings list' as remedy,
        cast(null as timestamptz) as noticed_at
    from doubtful_recordings
    union all
    select
        'failing_playlists' as check_name,
        'Playlists that fail, or that were deleted on Spotify' as title,
        'red' as state_if_any,
        count(*) as found,
        'tracker playlists list' as remedy,
        cast(null as timestamptz) as noticed_at
    from playlists
    union all
    select
        'quota' as check_name,
        'Parts of the API that Spotify told us to leave alone for now' as title,
        'warn' as state_if_any,
        count(*) as found,
        'tracker check' as remedy,
        max(cooldowns.noticed_at) as noticed_at
    from clock
    inner join cooldowns on clock.checked_at < cooldowns.until
    union all
    select
        'api_fields' as check_name,
        'Fields that Spotify has probably dropped' as title,
        'red' as state_if_any,
        count(*) as found,
        'tracker psql -c "select * from analytics.api_fields where is_dried_up"' as remedy,
        max(last_seen) as noticed_at
    from api_fields
),

few as (
    select
        check_name,
        title,
        case when found = 0 then 'ok' else state_if_any end as state,
        cast(found as text) as figure,
        remedy,
        noticed_at
    from counted
),

-- 3. What has a measure of its own. ----------------------------------------------------------------------------------

known as (
    select avg(calendar.completeness) as completeness
    from clock
    cross join calendar
    where calendar.local_date > {{ local_date('clock.checked_at') }} - 30
),

complete as (
    select
        'completeness' as check_name,
        'How much of the last 30 days is known' as title,
        case when completeness >= 0.95 then 'ok' when completeness < 0.8 then 'red' else 'warn' end as state,
        coalesce(round(cast(completeness * 100 as numeric), 1) || ' %', 'nothing is known yet') as figure,
        'tracker import PATH' as remedy,
        cast(null as timestamptz) as noticed_at
    from known
),

undecided as (
    select
        'undecided_listens' as check_name,
        'Listens about which the sources leave something open' as title,
        case when sum(undecided_count) > 0.01 * sum(listen_count) then 'warn' else 'ok' end as state,
        coalesce(sum(undecided_count), 0) || ' of ' || coalesce(sum(listen_count), 0) as figure,
        'tracker psql -c "select * from analytics.listens where is_undecided"' as remedy,
        cast(null as timestamptz) as noticed_at
    from listens
),

signed_in as (
    select
        'sign_in' as check_name,
        'The sign-in to Spotify' as title,
        case
            when count(tokens.*) = 0 or count(tokens.invalid_since) > 0 then 'red'
            -- Spotify lets a sign-in lapse after half a year
            when max(clock.checked_at - tokens.authorized_at) >= interval '150 days' then 'warn'
            else 'ok'
        end as state,
        case
            when count(tokens.*) = 0 then 'nobody has signed in'
            when count(tokens.invalid_since) > 0 then 'Spotify refuses it'
            else coalesce(
                extract(day from max(clock.checked_at - tokens.authorized_at)) || ' days old', 'of unknown age'
            )
        end as figure,
        'tracker login' as remedy,
        coalesce(max(tokens.invalid_since), max(tokens.authorized_at)) as noticed_at
    from clock
    left join tokens on true
),

-- the latest verdict of each test: a poll's build runs some of them
verdicts as (
    select distinct on (unique_id)
        unique_id,
        status,
        finished_at
    from build_results
    order by unique_id asc, finished_at desc
),

tested as (
    select
        'tests' as check_name,
        'Tests of the data that fail' as title,
        case
            when count(*) filter (where status in ('fail', 'error')) > 0 then 'red'
            when count(*) filter (where status = 'warn') > 0 then 'warn'
            else 'ok'
        end as state,
        count(*) filter (where status in ('fail', 'error', 'warn')) || ' of ' || count(*) as figure,
        'tracker dbt test' as remedy,
        max(finished_at) filter (where status in ('fail', 'error', 'warn')) as noticed_at
    from verdicts
),

final as (
    select * from fresh
    union all
    select * from few
    union all
    select * from complete
    union all
    select * from undecided
    union all
    select * from signed_in
    union all
    select * from tested
)

select
    final.check_name,
    final.title,
    final.state,
    final.figure,
    case when final.state <> 'ok' then final.remedy end as remedy,
    final.noticed_at,
    clock.checked_at
from final
cross join clock
