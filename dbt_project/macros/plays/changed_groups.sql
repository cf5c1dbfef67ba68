{#
    Reports of one event are always in one match group. So a group is matched and counted again as a whole when one of its
    reports, durations or recordings has changed, which its version shows. The outcome does not depend on the order of loads
    and overrides, and the cost follows what is new.
#}

{#
    The source `matched_groups`: the versions that `int_listens` was made of. A hook writes it in the transaction that writes
    the rows, so that a build that fails leaves both as they were. It is not a model: it would have to run before
    `int_listens` and after it. Hooks name it by source(), for the lineage; the model's own SQL by this macro, because unit
    tests would ask for rows of a source.
#}
{% macro match_ledger() -%}
    {{ return(api.Relation.create(database=target.dbname, schema='intermediate', identifier='matched_groups')) }}
{%- endmacro %}

{% macro match_versions() -%}
    {{ return(api.Relation.create(database=target.dbname, schema='intermediate', identifier='int_match_versions')) }}
{%- endmacro %}

{# A select of the groups that are to be made again; `ledger` holds match_group and version as last made. #}
{% macro changed_groups(ledger) -%}
    select versions.match_group
    from {{ match_versions() }} as versions
    where not exists (
        select 1
        from {{ ledger }} as made
        where made.match_group = versions.match_group and made.version = versions.version
    )
{%- endmacro %}

{#
    A condition that keeps the rows of changed groups. Their number is asked for before: no group costs nothing,
    few are looked up by index, many are joined.
#}
{% macro is_changed_group(column, ledger) -%}
    {%- if not is_incremental() -%}
        true
    {%- else -%}
        {%- set count = run_query("select count(*) as groups from (" ~ changed_groups(ledger) ~ ") as changed").rows[0]['groups']
            if execute else 0 -%}
        {%- if count == 0 -%}
            false
        {%- elif count <= 500 -%}
            {{ column }} = any(array({{ changed_groups(ledger) }}))
        {%- else -%}
            {{ column }} in ({{ changed_groups(ledger) }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#
    For pre_hook: takes away the rows of groups that changed, and of groups that are no more. Asked before, as in
    is_changed_group: joined without need, this would read every row there is in each build.
#}
{% macro forget_changed_groups(ledger) -%}
    {%- set gone -%}
        select made.match_group
        from {{ ledger }} as made
        left join {{ match_versions() }} as versions on versions.match_group = made.match_group
        where versions.version is distinct from made.version
    {%- endset -%}
    {%- set count = run_query("select count(*) as groups from (" ~ gone ~ ") as gone").rows[0]['groups']
        if execute and is_incremental() else 0 -%}
    {%- if count == 0 -%}
        select 1
    {%- elif count <= 500 -%}
        delete from {{ this }} where match_group = any(array({{ gone }}))
    {%- else -%}
        delete from {{ this }} as rows_of_changed
        using ({{ gone }}) as changed
        where rows_of_changed.match_group = changed.match_group
    {%- endif -%}
{%- endmacro %}

{# For post_hook of `int_listens`. #}
{% macro remember_matched_groups(ledger) -%}
    create table if not exists {{ ledger }} (match_group text primary key, version text not null);
    {%- if not is_incremental() %}
    truncate {{ ledger }};
    {%- endif %}
    delete from {{ ledger }} as made
    where not exists (
        select 1
        from {{ match_versions() }} as versions
        where versions.match_group = made.match_group and versions.version = made.version
    );
    insert into {{ ledger }} (match_group, version)
    select
        match_group,
        version
    from {{ match_versions() }}
    on conflict do nothing
{%- endmacro %}

{# Without the ledger nobody knows what the rows were made of, so they cannot be trusted. #}
{% macro is_match_ledger_lost() -%}
    {{ return(
        'match_ledger()' in model.raw_code
        and run_query("select to_regclass('" ~ match_ledger() ~ "') is null as is_lost").rows[0]['is_lost']
    ) }}
{%- endmacro %}
