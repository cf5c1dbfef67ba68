{#
    Builds as of an earlier day, which are refused now, left three marks in snapshots: rows that such a build wrote
    (they begin at its `as_of`), rows that it ended (at its `as_of`, often before they began), and rows that the next
    real build wrote to set things right. This brings each snapshot to what it would be without those builds.

    The moments of such builds are known from rows that end before they begin: of real builds there are none. Once per
    database. ops.repaired_rows keeps every row as it was.
#}
{% macro repair_snapshots() -%}
    {%- if not execute or run_query(
        "select snapshots_repaired_at is not null as is_done from ops.installation"
    ).rows[0]['is_done'] -%}
        {{ return('select 1') }}
    {%- endif -%}
    {%- set snapshots = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'snapshot' -%}
        {%- set relation = load_relation(api.Relation.create(
            database=target.dbname, schema=node.schema, identifier=node.alias
        )) -%}
        {%- if relation is not none -%} {%- do snapshots.append((node, relation)) -%} {%- endif -%}
    {%- endfor -%}
    {%- set damaged = namespace(is_any=false) -%}
    {%- for node, relation in snapshots -%}
        {%- set count = run_query(
            "select count(*) as damaged from " ~ relation ~ " where dbt_valid_to < dbt_valid_from"
        ).rows[0]['damaged'] -%}
        {%- if count -%}
            {%- set damaged.is_any = true -%}
            {%- do log(
                node.name ~ ": " ~ count ~ " rows end before they begin. Builds as of an earlier day did that; what"
                ~ " they wrote is taken back now, and ops.repaired_rows keeps the rows as they were.", info=true
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if damaged.is_any -%}
        {{ _builds_of_other_days(snapshots) }};
        {%- for node, relation in snapshots %}
        {{ _repair_snapshot(node, relation) }};
        {%- endfor -%}
    {%- endif %}
    update ops.installation set snapshots_repaired_at = now()
{%- endmacro %}

{# A temporary table: the as_of of each such build, and a moment of real time that it came after. #}
{% macro _builds_of_other_days(snapshots) -%}
    create temporary table builds_of_other_days on commit drop as
    select
        dbt_valid_to as as_of,
        max(dbt_valid_from) as came_after
    from (
        {%- for node, relation in snapshots %}
        select dbt_valid_from, dbt_valid_to from {{ relation }} where dbt_valid_to < dbt_valid_from
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as damaged
    group by dbt_valid_to
{%- endmacro %}

{% macro _repair_snapshot(node, relation) -%}
    {%- set unique_key = node.config.unique_key -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set checked = node.config.check_cols if node.config.strategy == 'check' else [node.config.updated_at] -%}
    with

    stored as (
        select
            snapshot.ctid as row_id,
            jsonb_build_array({{ keys | join(', ') }}) as key,
            -- what a deletion repeats of the row before it says nothing
            case when dbt_is_deleted = 'False' then jsonb_build_array({{ checked | join(', ') }}) else '{}' end
                as content,
            dbt_is_deleted = 'True' as is_deletion,
            dbt_valid_from,
            dbt_valid_to,
            ended_by.as_of is not null as is_ended_by_other_day,
            written_by.as_of is not null and (
                dbt_valid_to is null
                or ended_by.as_of is not null
                or dbt_valid_to > written_by.came_after
            ) as is_of_other_day,
            written_by.as_of,
            -- in real time, in which it stood at least until then; null: it still stands
            coalesce(ended_by.came_after, dbt_valid_to) as stood_until
        from {{ relation }} as snapshot
        left join builds_of_other_days as written_by on snapshot.dbt_valid_from = written_by.as_of
        left join builds_of_other_days as ended_by on snapshot.dbt_valid_to = ended_by.as_of
    ),

    -- the first real build after each: what it ended was false, what it left was true from then on
    next_builds as (
        select
            as_of,
            min(dbt_valid_to) as built_at
        from stored
        where is_of_other_day and not is_ended_by_other_day and dbt_valid_to is not null
        group by as_of
    ),

    -- true_from null: it was never true
    dated as (
        select
            stored.*,
            case
                when not stored.is_of_other_day then stored.dbt_valid_from
                when stored.is_ended_by_other_day and stored.stood_until >= next_builds.built_at
                    then next_builds.built_at
                when not stored.is_ended_by_other_day and coalesce(stored.stood_until > next_builds.built_at, true)
                    then next_builds.built_at
            end as true_from
        from stored
        left join next_builds on stored.as_of = next_builds.as_of
    ),

    in_order as (
        select
            *,
            lag(content) over by_time = content and lag(is_ended_by_other_day) over by_time as goes_on,
            key in (select key from dated where true_from is null)
            and count(*) filter (where not is_deletion) over by_time = 0 as is_deletion_of_nothing
        from dated
        where true_from is not null
        window by_time as (partition by key order by true_from, row_id)
    ),

    numbered as (
        select
            *,
            count(*) filter (where goes_on is not true) over (
                partition by key order by true_from, row_id
            ) as number
        from in_order
        where not is_deletion_of_nothing
    ),

    wanted as (
        select
            key,
            (array_agg(row_id order by true_from, row_id))[1] as row_id,
            min(true_from) as true_from,
            case
                when (array_agg(is_ended_by_other_day order by true_from desc, row_id desc))[1]
                    then lead(min(true_from)) over (partition by key order by number)
                else (array_agg(dbt_valid_to order by true_from desc, row_id desc))[1]
            end as true_to
        from numbered
        group by key, number
    ),

    changes as (
        select
            stored.row_id,
            wanted.row_id is null as is_removed,
            wanted.true_from,
            wanted.true_to
        from stored
        left join wanted on stored.row_id = wanted.row_id
        where
            wanted.row_id is null
            or stored.dbt_valid_from <> wanted.true_from
            or stored.dbt_valid_to is distinct from wanted.true_to
    ),

    kept as (
        insert into ops.repaired_rows (relation, row_before)
        select
            {{ literal(relation.schema ~ '.' ~ relation.identifier) }},
            to_jsonb(snapshot)
        from {{ relation }} as snapshot
        inner join changes on snapshot.ctid = changes.row_id
    ),

    removed as (
        delete from {{ relation }} as snapshot
        using changes
        where snapshot.ctid = changes.row_id and changes.is_removed
    )

    update {{ relation }} as snapshot
    set
        dbt_updated_at = case
            when snapshot.dbt_valid_from = changes.true_from then snapshot.dbt_updated_at else changes.true_from
        end,
        dbt_valid_from = changes.true_from,
        dbt_valid_to = changes.true_to
    from changes
    where snapshot.ctid = changes.row_id and not changes.is_removed
{%- endmacro %}
