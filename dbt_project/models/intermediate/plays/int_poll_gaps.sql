with

polls as (
    select
        poll_id,
        polled_at,
        outcome,
        oldest_played_at,
        newest_played_at,
        gap_suspected
    from {{ ref('stg_ops__play_polls') }}
    where polled_at <= {{ as_of() }}
),

answered as (
    select
        *,
        max(newest_played_at) over (order by polled_at, poll_id rows between unbounded preceding and 1 preceding)
            as newest_known_at
    from polls
    where outcome in ('new', 'nothing_new', 'empty')
),

answers as (
    select
        *,
        lag(polled_at) over (order by polled_at, poll_id) as previous_at
    from answered
),

-- a full page of fifty plays, all of them new: plays before the oldest of them may be lost
suspected as (
    select
        'suspected' as kind,
        newest_known_at as began_at,
        oldest_played_at as ended_at,
        true as is_loss_possible
    from answers
    where gap_suspected and newest_known_at < oldest_played_at
),

-- for hours no poll was answered; where the next poll reaches back to a known play, nothing was lost
silent as (
    select
        'silent' as kind,
        previous_at as began_at,
        polled_at as ended_at,
        gap_suspected as is_loss_possible
    from answers
    where polled_at > previous_at + interval '{{ var("silent_hours") }} hours'
    union all
    select
        'silent' as kind,
        max(polled_at) as began_at,
        {{ as_of() }} as ended_at,
        true as is_loss_possible
    from answers
    having max(polled_at) < {{ as_of() }} - interval '{{ var("silent_hours") }} hours'
),

numbered as (
    select
        polled_at,
        outcome,
        count(*) filter (where outcome not in ('failed', 'deferred')) over (order by polled_at, poll_id)
            as answers_so_far
    from polls
),

failures as (
    select
        answers_so_far,
        min(polled_at) as began_at,
        max(polled_at) as ended_at
    from numbered
    where outcome in ('failed', 'deferred')
    group by answers_so_far
),

next_answers as (
    select
        gap_suspected,
        row_number() over (order by polled_at, poll_id) - 1 as answers_so_far
    from answers
),

failed as (
    select
        'failed' as kind,
        failures.began_at,
        failures.ended_at,
        coalesce(next_answers.gap_suspected, true) as is_loss_possible
    from failures
    left join next_answers on failures.answers_so_far = next_answers.answers_so_far
)

select * from suspected
union all
select * from silent
union all
select * from failed
