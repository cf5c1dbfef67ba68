with

answers as (
    select
        track_id,
        market,
        is_playable,
        reason,
        linked_id,
        checked_at
    from {{ ref('stg_spotify__track_availability') }}
),

questions as (
    select
        key as track_id,
        market,
        asked_at,
        answered_at
    from {{ ref('stg_ops__catalog_checks') }}
    where kind = 'track'
),

-- an account may move to another country: answers for the old market say nothing about the new one
current_market as (
    select market
    from questions
    order by asked_at desc, market asc
    limit 1
)

select
    answers.track_id,
    answers.market,
    answers.is_playable,
    answers.reason,
    answers.linked_id,
    -- an answer is written when it changes; it is confirmed more often than that
    greatest(answers.checked_at, questions.answered_at) as checked_at
from answers
inner join current_market on answers.market = current_market.market
left join questions on answers.track_id = questions.track_id and answers.market = questions.market
