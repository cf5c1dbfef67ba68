{# The verdict of every test of this run into ops.build_results; `slug` where it is one playlist's test. #}
{% macro record_test_results(results) -%}
    {%- set rows = [] -%}
    {%- for result in results if result.node.resource_type in ('test', 'unit_test') -%}
        {%- do rows.append({
            'unique_id': result.node.unique_id, 'slug': playlist_slug_of(result.node), 'test_name': result.node.name,
            'status': result.status | string, 'failures': result.failures, 'message': result.message,
        }) -%}
        {%- if is_about_all_playlists(result.node) -%} {%- do rows.extend(results_by_playlist(result)) -%} {%- endif -%}
    {%- endfor -%}
    {%- if rows -%}
        insert into ops.build_results
            (invocation_id, unique_id, slug, test_name, status, failures, message, finished_at)
        values
        {%- for row in rows %}
            (
                {{ literal(invocation_id) }},
                {{ literal(row.unique_id) }},
                {{ literal(row.slug) }},
                {{ literal(row.test_name) }},
                {{ literal(row.status) }},
                {{ literal(row.failures) }},
                {{ literal(row.message) }},
                now()
            ) {{- ',' if not loop.last }}
        {%- endfor %}
        on conflict (invocation_id, unique_id) do update
            set status = excluded.status, failures = excluded.failures, message = excluded.message
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{#
    Verdicts of 30 days stand, and those that the push still asks for: of the build that made today's selections, and
    since. Without an end, every build would add hundreds of rows for ever.
#}
{% macro trim_test_results() -%}
    {%- set is_built = execute and run_query(
        "select to_regclass('analytics.playlist_definitions') is not null as is_built"
    ).rows[0]['is_built'] -%}
    delete from ops.build_results
    where
        finished_at < now() - interval '30 days'
        {%- if is_built %}
        and finished_at < (select min(definitions.built_at) from analytics.playlist_definitions as definitions)
        {%- endif %}
{%- endmacro %}

{# The slug of the one playlist that a test is about; none for tests of anything else. #}
{% macro playlist_slug_of(node) -%}
    {%- set found = namespace(slug=none) -%}
    {%- for tested in [node.attached_node, node.tested_node_unique_id] if tested -%}
        {%- set model_name = tested.split('.')[-1] -%}
        {%- if model_name.startswith('playlist_') and model_name[9:] in var('playlists') -%}
            {%- set found.slug = model_name[9:] -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.slug) }}
{%- endmacro %}

{# Whether a test is about the selections of all playlists at once, each row that it finds naming its slug. #}
{% macro is_about_all_playlists(node) -%}
    {{ return((node.attached_node or '').endswith('.playlist_selections')) }}
{%- endmacro %}

{# One such result as one row per playlist, so that what one of them fails does not hold up the others. #}
{% macro results_by_playlist(result) -%}
    {%- set failures = {} -%}
    {%- if (result.status | string) in ('fail', 'warn') -%}
        {%- for row in run_query(
            "select slug, count(*) as failures from (" ~ result.node.compiled_code ~ ") as found group by slug"
        ).rows -%}
            {%- do failures.update({row['slug']: row['failures'] | int}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for slug in var('playlists') + stored_rules() | map(attribute='slug') | list -%}
        {%- set is_passed = failures and slug not in failures -%}
        {%- do rows.append({
            'unique_id': result.node.unique_id ~ ':' ~ slug, 'slug': slug, 'test_name': result.node.name,
            'status': 'pass' if is_passed else result.status | string,
            'failures': failures.get(slug, 0) if failures else result.failures,
            'message': none if is_passed else result.message,
        }) -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}
