-- A report that no listen names would be a play that vanished in the middle. Only what the newest batch brought
-- is looked at: to ask it of all reports in every build would cost with the history.
with

newest_reports as (
    select
        report_id,
        track_key
    from {{ ref('int_play_reports') }}
    where batch = (select max(batches.batch) from {{ ref('int_play_reports') }} as batches)
),

their_groups as (
    select distinct groups.match_group
    from newest_reports
    inner join {{ ref('int_match_groups') }} as groups on newest_reports.track_key = groups.track_key
),

told as (
    select jsonb_array_elements_text(listens.report_ids) as report_id
    from {{ ref('listens') }} as listens
    inner join their_groups on listens.match_group = their_groups.match_group
)

select newest_reports.report_id
from newest_reports
left join told on newest_reports.report_id = told.report_id
where told.report_id is null
