{#
    How far a model has read the batches of int_play_reports, for a model that may have no rows of its own to show it.
    Written in the transaction that writes its rows.
#}
{% macro read_batches() -%}
    {{ return(source('ledgers', 'read_batches').render()) }}
{%- endmacro %}

{% macro _make_read_batches() -%}
    create table if not exists {{ read_batches() }} (model text primary key, batch bigint not null)
{%- endmacro %}

{# The newest batch that this incremental model has read; 0 where the reports are of an earlier one than that. #}
{% macro read_batch_of(reports) -%}
    {%- if not (execute and is_incremental()) -%}
        {{ return(0) }}
    {%- endif -%}
    {%- do run_query(_make_read_batches()) -%}
    {%- set found = run_query(
        "select"
        ~ " coalesce((select batch from " ~ read_batches() ~ " where model = '" ~ this.identifier ~ "'), 0) as seen,"
        ~ " (select coalesce(max(batch), 0) from " ~ reports ~ ") as newest"
    ).rows[0] -%}
    {{ return(found['seen'] if found['seen'] <= found['newest'] else 0) }}
{%- endmacro %}

{# For post_hook. #}
{% macro remember_batch_of(reports) -%}
    {{ _make_read_batches() }};
    insert into {{ read_batches() }} (model, batch)
    select
        '{{ this.identifier }}',
        coalesce(max(batch), 0)
    from {{ reports }}
    on conflict (model) do update set batch = excluded.batch
{%- endmacro %}

{# For pre_hook: minutes of which new reports tell are looked at again, as a whole. #}
{% macro forget_renewed_minutes(reports) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where (minute, ms_played) in ({{ renewed_minutes(reports) }})
    {%- else -%}
    select 1
    {%- endif -%}
{%- endmacro %}

{% macro renewed_minutes(reports) -%}
    select distinct
        minute,
        ms_played
    from {{ reports }}
    where batch > {{ read_batch_of(reports) }} and source in ('account', 'extended') and ms_played is not null
{%- endmacro %}
