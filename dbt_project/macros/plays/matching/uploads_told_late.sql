{#
    Of a stream made offline an export may tell no more than the time at which Spotify heard of it, which is hours
    or weeks late; the API tells when it ended. CTEs: `late_pairs` (left_id of the API's event, right_id of the
    export's), `late_swaps` and `late_leftovers` of what cannot be decided. Reads lone_events, exported_events and
    api_pairs of `int_listens`.
#}
{% macro uploads_told_late() -%}
late_neighbours as (
    select
        lone_events.event_id as left_id,
        lone_events.name_group,
        lone_events.ended_at,
        lone_events.is_suspect,
        exported_events.event_id as right_id,
        exported_events.reported_at,
        exported_events.ms_played,
        exported_events.is_late,
        lone_events.ended_at >= exported_events.covered_since as is_covered,
        abs(lone_events.known_duration_ms - exported_events.ms_played) as misfit_ms,
        extract(epoch from exported_events.reported_at - lone_events.ended_at) as cost
    from lone_events
    inner join exported_events
        on
            lone_events.name_group = exported_events.name_group
            and lone_events.ended_at between exported_events.reported_at - interval '{{ var("late_upload_days") }} days' and exported_events.reported_at
    left join api_pairs on exported_events.event_id = api_pairs.right_id
    where api_pairs.right_id is null and exported_events.may_be_late and exported_events.ms_played >= 30000
),

-- The file tells every stream of its time. That it has none where the API saw one end means that it has it later.
late_candidates as (
    select * from late_neighbours
    where is_covered
),

-- the next upload; what surely was one before what may have been heard then
next_uploads as (
    select distinct on (left_id)
        left_id,
        name_group,
        ended_at,
        is_suspect,
        reported_at
    from late_candidates
    order by left_id asc, is_late desc, reported_at asc
),

-- several streams of one upload: what may be a shifted report comes last
streams_in_order as (
    select
        left_id,
        name_group,
        reported_at,
        row_number() over (
            partition by name_group, reported_at order by is_suspect asc, ended_at desc, left_id collate "C" asc
        ) as place
    from next_uploads
),

uploads_in_order as (
    select
        right_id,
        name_group,
        reported_at,
        row_number() over (
            partition by name_group, reported_at order by min(misfit_ms) asc nulls last, right_id collate "C" asc
        ) as place
    from late_candidates
    group by right_id, name_group, reported_at
),

upload_pairs as (
    select
        streams_in_order.left_id,
        uploads_in_order.right_id
    from streams_in_order
    inner join uploads_in_order
        on
            streams_in_order.name_group = uploads_in_order.name_group
            and streams_in_order.reported_at = uploads_in_order.reported_at
            and streams_in_order.place = uploads_in_order.place
),

late_rest as (
    select
        late_candidates.left_id,
        late_candidates.right_id,
        late_candidates.cost
    from late_candidates
    left join upload_pairs as taken_left on late_candidates.left_id = taken_left.left_id
    left join upload_pairs as taken_right on late_candidates.right_id = taken_right.right_id
    where taken_left.left_id is null and taken_right.right_id is null
),

{{ nearest_pairs('rest', 'late_rest', rounds=6) }},

late_pairs as (
    select * from upload_pairs
    union all
    select * from rest_pairs
),

-- two uploads of different length, either of which may be either stream
late_swaps as (
    select distinct ours.right_id as event_id
    from late_pairs as ours
    inner join late_candidates as own on ours.left_id = own.left_id and ours.right_id = own.right_id
    inner join late_candidates as swapped on ours.left_id = swapped.left_id and own.ms_played <> swapped.ms_played
    inner join late_pairs as others on swapped.right_id = others.right_id
    inner join late_candidates as back on others.left_id = back.left_id and ours.right_id = back.right_id
),

late_leftovers as (
    select
        late_neighbours.left_id,
        late_neighbours.right_id,
        late_neighbours.is_covered
    from late_neighbours
    left join late_pairs as taken_left on late_neighbours.left_id = taken_left.left_id
    left join late_pairs as taken_right on late_neighbours.right_id = taken_right.right_id
    where taken_left.left_id is null and taken_right.right_id is null
)
{%- endmacro %}
