{# The verdict of every test of this run into ops.build_results; `slug` where it is one playlist's test. #}
{% macro record_test_results(results) -%}
    {%- set tests = [] -%}
    {%- for result in results if result.node.resource_type in ('test', 'unit_test') -%}
        {%- do tests.append(result) -%}
    {%- endfor -%}
    {%- if tests -%}
        insert into ops.build_results
            (invocation_id, unique_id, slug, test_name, status, failures, message, finished_at)
        values
        {%- for result in tests %}
            (
                {{ literal(invocation_id) }},
                {{ literal(result.node.unique_id) }},
                {{ literal(playlist_slug_of(result.node)) }},
                {{ literal(result.node.name) }},
                {{ literal(result.status | string) }},
                {{ literal(result.failures) }},
                {{ literal(result.message) }},
                now()
            ) {{- ',' if not loop.last }}
        {%- endfor %}
        on conflict (invocation_id, unique_id) do update
            set status = excluded.status, failures = excluded.failures, message = excluded.message
    {%- else -%}
        select 1
    {%- endif -%}
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
