-- A report that no listen names would be a lost play; a report that two listens name would be one play too many. The
-- test compares counts by group that are there already: to look at each report would cost more with each year.
with

reported as (
    select
        groups.match_group,
        sum(tracks.report_count) as report_count
    from (select * from {{ ref('int_reported_tracks') }}) as tracks
    inner join (select * from {{ ref('int_match_groups') }}) as groups on tracks.track_key = groups.track_key
    group by groups.match_group
),

told as (
    select
        match_group,
        max(report_count) as report_count
    from {{ ref('int_recording_totals') }}
    group by match_group
)

select
    reported.match_group,
    reported.report_count,
    told.report_count as told_count
from reported
left join told on reported.match_group = told.match_group
where reported.report_count is distinct from told.report_count
