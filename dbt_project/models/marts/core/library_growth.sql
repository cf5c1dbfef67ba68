{{ config(materialized='view') }}

with

library_changes as (
    select
        kind,
        item_id,
        change,
        changed_at,
        local_date
    from {{ ref('library_changes') }}
),

steps as (
    select
        kind,
        cast(date_trunc('month', local_date) as date) as month,
        change,
        -- 1: it came in, -1: it went out, 0: it was in before, as where a like was set anew and nobody saw it go
        case when change = 'removed' then 0 else 1 end
        - coalesce(
            lag(case when change = 'removed' then 0 else 1 end) over (
                partition by kind, item_id order by changed_at, change
            ),
            0
        ) as step
    from library_changes
),

months as (
    select cast(months.month as date) as month
    from (select min(month) as first_month from steps) as first_steps
    cross join
        generate_series(
            first_steps.first_month, date_trunc('month', {{ local_today() }}), interval '1 month'
        ) as months (month)
),

counted as (
    select
        month,
        sum(step) filter (where kind = 'track' and change = 'added') as likes_added,
        -- a removal that was noticed by mistake and taken back is none
        -sum(step) filter (where kind = 'track' and change <> 'added') as likes_removed,
        sum(step) filter (where kind = 'album' and change = 'added') as albums_added,
        -sum(step) filter (where kind = 'album' and change <> 'added') as albums_removed
    from steps
    group by month
),

filled as (
    select
        months.month,
        cast(coalesce(counted.likes_added, 0) as integer) as likes_added,
        cast(coalesce(counted.likes_removed, 0) as integer) as likes_removed,
        cast(coalesce(counted.albums_added, 0) as integer) as albums_added,
        cast(coalesce(counted.albums_removed, 0) as integer) as albums_removed
    from months
    left join counted on months.month = counted.month
),

final as (
    select
        month,
        likes_added,
        likes_removed,
        cast(sum(likes_added - likes_removed) over (order by month) as integer) as liked_tracks,
        albums_added,
        albums_removed,
        cast(sum(albums_added - albums_removed) over (order by month) as integer) as saved_albums
    from filled
)

select * from final
