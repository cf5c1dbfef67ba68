{{ config(
    materialized='incremental',
    unique_key=['track_id', 'market'],
    post_hook="{{ remember_data_version() }}",
) }}

{#- Each build sees the answers of its own time alone. What earlier builds saw stands in this table; the snapshot of
    the same answers stands in for it where it is made anew. It is asked for by name: no model waits for a snapshot. -#}
{%- set history = none if is_incremental() or not execute else adapter.get_relation(
    target.dbname, 'snapshots', 'track_availability_history'
) %}

with

answers as (
    select
        track_id,
        market,
        is_playable,
        checked_at
    from {{ ref('stg_spotify__track_availability') }}
),

known as (
    {%- if is_incremental() %}
    select
        track_id,
        market,
        unplayable_from,
        unplayable_until
    from {{ this }}
    {%- elif history is not none %}
    select distinct on (track_id, market)
        track_id,
        market,
        dbt_valid_from as unplayable_from,
        dbt_valid_to as unplayable_until
    from {{ history }}
    where is_playable = false and dbt_is_deleted = 'False'
    order by track_id asc, market asc, dbt_valid_from desc
    {%- else %}
    select
        cast(null as text) as track_id,
        cast(null as text) as market,
        cast(null as timestamptz) as unplayable_from,
        cast(null as timestamptz) as unplayable_until
    where false
    {%- endif %}
),

final as (
    select
        coalesce(answers.track_id, known.track_id) as track_id,
        coalesce(answers.market, known.market) as market,
        case
            -- another reason is another answer about the same time
            when answers.is_playable = false and (known.track_id is null or known.unplayable_until is not null)
                then answers.checked_at
            else known.unplayable_from
        end as unplayable_from,
        case
            when answers.is_playable = false then null
            -- it is answered anew where another track takes its place: it plays since before
            else coalesce(known.unplayable_until, answers.checked_at)
        end as unplayable_until
    from answers
    full join known on answers.track_id = known.track_id and answers.market = known.market
    where known.track_id is not null or answers.is_playable = false
)

select * from final
