{#
    What a row of int_track_months or int_period_tracks is of, with `tracks` left joined to it: keys of the recording, the
    artist and the album. Names that no id is known of are keys, too; null where there is no name.
#}
{% macro heard_keys(heard) -%}
    coalesce(tracks.recording_id, {{ heard }}.track_key) as recording_key,
    coalesce(tracks.artist_id, 'name:' || coalesce(tracks.artist, {{ heard }}.artist)) as artist_key,
    coalesce(tracks.album_id, 'name:' || tracks.album_artist || '|' || tracks.album) as album_key
{%- endmacro %}

{#
    CTEs that rank what a CTE `counted` has counted, by period: `counted` has period, key, play_count, heard_ms and
    first_played_at. They read the CTEs `periods`, `heard` (all tracks of all periods) and `calendar`, and end with
    `ranked`: place, rank, previous_rank, share, first_heard_at, completeness. Equal counts share a rank.
#}
{% macro ranked_by_period(key) -%}
totals as (
    select
        period,
        sum(play_count) as play_count
    from heard
    group by period
),

{{ period_completeness() }},

places as (
    select
        *,
        cast(rank() over (partition by period order by play_count desc) as integer) as rank,
        cast(
            row_number() over (
                partition by period order by play_count desc, heard_ms desc, {{ key }} collate "C"
            ) as integer
        ) as place
    from counted
    where play_count > 0 and {{ key }} is not null
),

ranked as (
    select
        places.*,
        {{ share('places.play_count', 'totals.play_count') }} as share,
        ever.first_played_at as first_heard_at,
        before.rank as previous_rank,
        completeness_by_period.completeness
    from places
    inner join periods on places.period = periods.period
    inner join totals on places.period = totals.period
    inner join completeness_by_period on places.period = completeness_by_period.period
    left join places as ever on ever.period = 'all' and places.{{ key }} = ever.{{ key }}
    left join places as before on periods.previous_period = before.period and places.{{ key }} = before.{{ key }}
    where periods.period_kind <> 'before'
)
{%- endmacro %}

{# A CTE `completeness_by_period` from the CTEs `periods` and `calendar`: the mean of the days that are known of. #}
{% macro period_completeness() -%}
completeness_by_period as (
    select
        periods.period,
        avg(calendar.completeness) as completeness
    from periods
    left join calendar on calendar.local_date between periods.start_day and periods.end_day
    group by periods.period
)
{%- endmacro %}
