{#
    A verdict is about the selections that the test saw: `dbt run` and `dbt test` are two runs, and a build may come
    between. So each verdict on a playlist keeps the id of these selections. Where they changed while the tests ran
    nobody knows which ones a test saw, and no verdict is kept.
#}

{# When a run begins: the selections that stand, as a row of ops.build_results, for seen_selections(). #}
{% macro note_selections_at_start() -%}
    {%- if execute and invocation_args_dict.which in ('build', 'test') -%}
    insert into ops.build_results (invocation_id, unique_id, status, selection_invocation_id)
    values ({{ literal(invocation_id) }}, 'selections at start', 'seen', {{ literal(standing_selections()) }})
    {%- else -%}
    select 1
    {%- endif -%}
{%- endmacro %}

{# The id of the run that made the selections that stand; none where there are none. #}
{% macro standing_selections() -%}
    {%- set relation = adapter.get_relation(
        target.dbname, generate_schema_name('analytics', none), 'playlist_selections'
    ) -%}
    {%- if relation is none or 'invocation_id' not in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(run_query("select max(invocation_id) as id from " ~ relation).rows[0]['id']) }}
{%- endmacro %}

{# The id of the selections that the tests of this run saw; none where they changed meanwhile. #}
{% macro seen_selections(results) -%}
    {%- set standing = standing_selections() -%}
    {%- if standing == invocation_id -%}
        {{ return(standing) }}
    {%- endif -%}
    {%- set at_start = run_query(
        "select selection_invocation_id as id from ops.build_results where unique_id = 'selections at start'"
        ~ " and invocation_id = " ~ literal(invocation_id)
    ).rows -%}
    {{ return(standing if at_start and at_start[0]['id'] == standing else none) }}
{%- endmacro %}

{# The verdict of every test of this run into ops.build_results; `slug` where it is one playlist's test. #}
{% macro record_test_results(results) -%}
    {%- set rows = [] -%}
    {%- set seen = seen_selections(results) if execute else none -%}
    {%- for result in results if result.node.resource_type in ('test', 'unit_test') -%}
        {%- set slug = playlist_slug_of(result.node) -%}
        {%- if slug is none or seen is not none -%}
            {%- do rows.append({
                'unique_id': result.node.unique_id, 'slug': slug, 'test_name': result.node.name,
                'status': result.status | string, 'failures': result.failures, 'message': result.message,
            }) -%}
        {%- endif -%}
        {%- if is_about_all_playlists(result.node) and seen is not none and has_looked(result.node) -%}
            {%- do rows.extend(results_by_playlist(result)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if rows -%}
        insert into ops.build_results (
            invocation_id, unique_id, slug, test_name, status, failures, message, finished_at, selection_invocation_id
        )
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
                now(),
                {{ literal(seen) }}
            ) {{- ',' if not loop.last }}
        {%- endfor %}
        on conflict (invocation_id, unique_id) do update
            set status = excluded.status, failures = excluded.failures, message = excluded.message
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{# At the end of a run: which run made the library last, and which one the selections; for has_looked(). #}
{% macro record_what_was_built(results) -%}
    {%- set built = [] -%}
    {%- for result in results if result.node.name in ('unified_tracks', 'playlist_selections') -%}
        {%- if result.node.resource_type == 'model' and (result.status | string) == 'success' -%}
            {%- do built.append(result.node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if built -%}
        insert into ops.build_results (invocation_id, unique_id, status)
        values
        {%- for node in built %}
            ({{ literal(invocation_id) }}, {{ literal(node.unique_id) }}, 'success') {{- ',' if not loop.last }}
        {%- endfor %}
        on conflict (invocation_id, unique_id) do nothing
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{#
    Whether the library is the one that the standing selections were made of. A build after a poll makes the library
    anew and leaves the selections: their order cannot be asked of another library.
#}
{% macro is_library_of_selections() -%}
    {%- if standing_selections() == invocation_id -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set found = run_query(
        "select (select max(finished_at) from ops.build_results where unique_id = 'model." ~ project_name
        ~ ".unified_tracks') <= (select max(finished_at) from ops.build_results where unique_id = 'model."
        ~ project_name ~ ".playlist_selections') as is_so"
    ).rows[0]['is_so'] -%}
    {{ return(found is true) }}
{%- endmacro %}

{# Whether a test could look at all; one that could not passes, and that is no verdict. #}
{% macro has_looked(node) -%}
    {{ return(not node.name.startswith('selections_are_reproducible') or is_library_of_selections()) }}
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
    {%- for slug in listed_playlists() + stored_rules() | map(attribute='slug') | list -%}
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
