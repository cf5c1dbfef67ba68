{#
    Before the first relation changes: is the database ours, and is no other build at work? Two dbt runs on one
    table fail with "relation already exists". Our own builds hold an advisory lock (profiles/dbt.py) and pass
    its backend's pid as TRACKER_BUILD_PID; a bare `dbt build` refuses while one of them runs.
#}
{% macro refuse_unsafe_build() -%}
    {%- if execute -%}
        {%- set found = run_query("select to_regprocedure('ops.matches(text, text)') is not null as is_prepared").rows[0] -%}
        {%- if not found['is_prepared'] -%}
            {{ exceptions.raise_compiler_error(
                "The schema 'ops' is missing in database '" ~ target.dbname
                ~ "', or older than this version. Run `tracker env` once: it prepares the database."
            ) }}
        {%- endif -%}
        {%- set holders = run_query(
            "select locks.pid from pg_locks as locks"
            ~ " inner join pg_database as databases on databases.oid = locks.database"
            ~ " cross join (select hashtextextended('tracker:build', 0) as number) as lock_key"
            ~ " where databases.datname = current_database() and locks.locktype = 'advisory' and locks.granted"
            ~ " and locks.objsubid = 1"
            ~ " and (cast(locks.classid as bigint) << 32) | cast(locks.objid as bigint) = lock_key.number"
        ) -%}
        {%- for holder in holders.rows -%}
            {%- if (holder['pid'] | string) != env_var('TRACKER_BUILD_PID', '') -%}
                {{ exceptions.raise_compiler_error(
                    "Another build of this warehouse is running (backend " ~ holder['pid'] ~ ")."
                    ~ " Wait for it to end, or use `tracker dbt`, which waits by itself."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    select 1
{%- endmacro %}
