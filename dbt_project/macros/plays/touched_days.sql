{#
    Local days in which a listen came, went or changed since they were last counted. `int_listens` notes them in the
    transaction that writes its rows; what counts by day counts those anew, and strikes them out in its own. So a
    day's count costs by what is new, however long the history is. The day -infinity stands for every day.
#}
{% macro touched_days() -%}
    {{ return(source('ledgers', 'touched_days')) }}
{%- endmacro %}

{% macro _make_touched_days() -%}
    create table if not exists {{ touched_days() }} (local_date date primary key);
{%- endmacro %}

{# For pre_hook (the rows that will go) and for post_hook (those that came) of `int_listens`. #}
{% macro touch_days_of_changed_groups(ledger) -%}
    {{ _make_touched_days() }}
    {%- set changed -%}
        select coalesce(made.match_group, versions.match_group) as match_group
        from {{ ledger }} as made
        full join {{ match_versions() }} as versions on made.match_group = versions.match_group
        where made.version is distinct from versions.version
    {%- endset %}
    {%- set count = run_query("select count(*) as groups from (" ~ changed ~ ") as changed").rows[0]['groups']
        if execute and is_incremental() else 0 %}
    insert into {{ touched_days() }} (local_date)
    {%- if not is_incremental() %}
    values ('-infinity')
    {%- else %}
    select distinct {{ local_date('played_at') }}
    from {{ this }}
    where
        {%- if count == 0 %} false
        {%- elif count <= 500 %} match_group = any(array({{ changed }}))
        {%- else %} match_group in ({{ changed }})
        {%- endif %}
    {%- endif %}
    on conflict do nothing
{%- endmacro %}

{# A condition on a moment: it lies in a touched day. Few days are looked up by index. #}
{% macro is_in_touched_day(moment) -%}
    {%- if not is_incremental() -%}
        true
    {%- else -%}
        {%- set days = run_query(
            "select cast(local_date as text) from " ~ touched_days() ~ " order by local_date limit 41"
        ).columns[0].values() if execute else [] -%}
        {%- if not days -%}
            false
        {%- elif days[0] == '-infinity' -%}
            true
        {%- elif days | length <= 40 -%}
            (
                {%- for day in days %}
                {{ 'or ' if not loop.first }}(
                    {{ moment }} >= timestamp '{{ day }}' at time zone {{ local_zone() }}
                    and {{ moment }} < (timestamp '{{ day }}' + interval '1 day') at time zone {{ local_zone() }}
                )
                {%- endfor %}
            )
        {%- else -%}
            {{ local_date(moment) }} in (select touched.local_date from {{ touched_days() }} as touched)
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# For pre_hook of a table with a row for each day. #}
{% macro forget_touched_days() -%}
    {{ _make_touched_days() }}
    {%- if is_incremental() %}
    delete from {{ this }}
    where
        local_date in (select touched.local_date from {{ touched_days() }} as touched)
        or exists (select 1 from {{ touched_days() }} as touched where touched.local_date = '-infinity')
    {%- endif %}
{%- endmacro %}

{# For its post_hook. Today stays: a play that ended while this build ran is later than its `as_of`. #}
{% macro settle_touched_days() -%}
    delete from {{ touched_days() }} where local_date < {{ local_today() }}
{%- endmacro %}
