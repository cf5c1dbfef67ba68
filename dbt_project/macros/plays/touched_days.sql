{#
    Local days in which a listen came, went or changed since they were last counted. `int_listens` notes them in the
    transaction that writes its rows, for each model that counts by day or month. Such a model counts those anew, and
    strikes itself out in the transaction that writes its own rows. So a count costs by what is new, however long the
    history is. The day -infinity stands for every day.

    By its name, as render() gives it: under `--empty` a source stands for a subquery, which nothing can be written to.
#}
{% macro touched_days() -%}
    {{ return(source('ledgers', 'touched_days').render()) }}
{%- endmacro %}

{# The models that count by day or month. #}
{% macro _readers_of_touched_days() -%}
    array['daily_listening', 'int_track_months']
{%- endmacro %}

{# Earlier versions kept the days without their readers: such a row is for all of them. #}
{% macro _make_touched_days() -%}
    create table if not exists {{ touched_days() }} (local_date date primary key);
    alter table {{ touched_days() }}
        add column if not exists readers text[] not null default {{ _readers_of_touched_days() }};
{%- endmacro %}

{# A select of the days that this model has still to count, cut to the first day of the unit. #}
{% macro _days_to_count(unit) -%}
    select distinct cast(date_trunc('{{ unit }}', cast(touched.local_date as timestamp)) as date) as local_date
    from {{ touched_days() }} as touched
    where '{{ this.identifier }}' = any(touched.readers)
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
    on conflict (local_date) do update set readers = excluded.readers
{%- endmacro %}

{# A condition on a moment: it lies in a touched day, or month. Few of them are looked up by index. #}
{% macro is_in_touched_day(moment, unit='day') -%}
    {%- if not is_incremental() -%}
        true
    {%- else -%}
        {%- set days = run_query(
            "select cast(local_date as text) from (" ~ _days_to_count(unit) ~ ") as days order by local_date limit 41"
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
                    and {{ moment }} < (timestamp '{{ day }}' + interval '1 {{ unit }}') at time zone {{ local_zone() }}
                )
                {%- endfor %}
            )
        {%- else -%}
            {%- set start = local_date(moment) if unit == 'day' else local_month(moment) %}
            {{ start }} in ({{ _days_to_count(unit) }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#
    For pre_hook of a table whose rows are of a day, or month, that `column` names. `int_listens` has made the table of
    touched days: two readers that altered it at the same time, each having read it, would wait for each other.
#}
{% macro forget_touched_days(column='local_date', unit='day') -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where
        {{ column }} in ({{ _days_to_count(unit) }})
        or exists (select 1 from ({{ _days_to_count(unit) }}) as days where days.local_date = '-infinity')
    {%- else -%}
    select 1
    {%- endif %}
{%- endmacro %}

{# For its post_hook. Today stays: a play that ended while this build ran is later than its `as_of`. #}
{% macro settle_touched_days() -%}
    update {{ touched_days() }} set readers = array_remove(readers, '{{ this.identifier }}')
    where local_date < {{ local_today() }} and '{{ this.identifier }}' = any(readers);
    delete from {{ touched_days() }} where readers = '{}'
{%- endmacro %}
