{#
    An incremental table is made anew where what made its rows has changed. Otherwise old rows and new rows would
    follow different rules. Each incremental model says in its YAML, under config.meta, what makes its rows:

        data_version    a number that is raised when new code makes other rows than the old code did
        reads           the vars that its rows depend on, and TRACKER_TIMEZONE where days do
        follows         the incremental models from which it takes its rows

    `make lint` checks all three. ops.data_versions keeps what made each table: it is written in the transaction that
    writes the rows, so a build that fails leaves both as they were.
#}

{# dbt's own macro, which its incremental materialization and is_incremental() ask. #}
{% macro should_full_refresh() -%}
    {{ return(_is_full_refresh_asked() or (execute and reason_to_make_anew() is not none)) }}
{%- endmacro %}

{% macro _is_full_refresh_asked() -%}
    {{ return(config.get('full_refresh') if config.get('full_refresh') is not none else flags.FULL_REFRESH) }}
{%- endmacro %}

{# Why this incremental table is made anew, in words; none: it is not, or there is no table yet. #}
{% macro reason_to_make_anew() -%}
    {%- if model.config.materialized != 'incremental' or load_relation(this) is none -%}
        {{ return(none) }}
    {%- elif _is_full_refresh_asked() -%}
        {{ return('a full refresh was asked for') }}
    {%- elif is_match_ledger_lost() -%}
        {{ return('the ledger of its match groups is lost') }}
    {%- endif -%}
    {%- set versions = _known_data_versions() -%}
    {%- if _full_name(this) not in versions -%}
        {{ return('it is not known what made it') }}
    {%- endif -%}
    {{ return(_difference(versions[_full_name(this)], versions)) }}
{%- endmacro %}

{# The first difference between what made the table and what would make it now, in words, or none. #}
{% macro _difference(known, versions) -%}
    {%- set meta = model.config.meta -%}
    {%- if known.data_version != meta.data_version -%}
        {{ return('its data version is ' ~ meta.data_version ~ ' and was ' ~ known.data_version) }}
    {%- endif -%}
    {%- set read = _values_read() -%}
    {%- for name in read if known.reads.get(name) != read[name] -%}
        {{ return(name ~ ' is ' ~ read[name] ~ ' and was ' ~ known.reads.get(name, 'not read')) }}
    {%- endfor -%}
    {%- for name in meta.get('follows', []) -%}
        {%- set upstream = _full_name_of_model(name) -%}
        {%- if known.follows.get(upstream) != versions.get(upstream, {}).get('making_id') -%}
            {{ return(name ~ ' was made anew') }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(none) }}
{%- endmacro %}

{# Part of the project's pre-hook. #}
{% macro log_reason_to_make_anew() -%}
    {%- set reason = reason_to_make_anew() if execute else none -%}
    {%- if reason is not none -%}
        {%- do log(this.identifier ~ ' is made anew: ' ~ reason ~ '.', info=true) -%}
    {%- endif -%}
{%- endmacro %}

{# The last post_hook of each incremental model: those before it still see that the table was made anew. #}
{% macro remember_data_version() -%}
    {%- if execute and not is_incremental() -%}
        {%- set versions = _known_data_versions() -%}
        {%- set follows = {} -%}
        {%- for name in model.config.meta.get('follows', []) -%}
            {%- set upstream = _full_name_of_model(name) -%}
            {%- do follows.update({upstream: versions.get(upstream, {}).get('making_id')}) -%}
        {%- endfor -%}
        insert into ops.data_versions (relation, data_version, reads, follows, reason)
        values (
            {{ literal(_full_name(this)) }},
            {{ model.config.meta.data_version }},
            {{ literal(tojson(_values_read())) }},
            {{ literal(tojson(follows)) }},
            {{ literal(reason_to_make_anew()) }}
        )
        on conflict (relation) do update
            set data_version = excluded.data_version, reads = excluded.reads, follows = excluded.follows,
                making_id = excluded.making_id, made_anew_at = excluded.made_anew_at, reason = excluded.reason
    {%- endif -%}
{%- endmacro %}

{# What ops.data_versions holds, by relation. #}
{% macro _known_data_versions() -%}
    {%- set known = run_query(
        "select cast(jsonb_object_agg(relation, to_jsonb(made)) as text) as versions from ops.data_versions as made"
    ).rows[0]['versions'] -%}
    {{ return(fromjson(known) if known else {}) }}
{%- endmacro %}

{# The values of what the model reads, as text by name. #}
{% macro _values_read() -%}
    {%- set values = {} -%}
    {%- for name in model.config.meta.get('reads', []) -%}
        {%- do values.update({name: local_zone()[1:-1] if name == 'TRACKER_TIMEZONE' else var(name) | string}) -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

{% macro _full_name(relation) -%}
    {{ return(relation.schema ~ '.' ~ relation.identifier) }}
{%- endmacro %}

{% macro _full_name_of_model(name) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {{ return(node.schema ~ '.' ~ node.alias) }}
{%- endmacro %}
