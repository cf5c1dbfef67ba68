{#
    The declared definitions of a play, as conditions on a listen. An event without a known length counts under
    each. Without a told reason or a known duration, what is known decides: a one-year export tells no reason.
#}
{% macro play_definitions() -%}
    {{ return({
        '30_seconds': 'ms_played >= 30000',
        'any': 'ms_played > 0',
        'track_done': "coalesce(reason_end = 'trackdone', ms_played >= duration_ms - 2000, false)",
        'half': "coalesce(ms_played * cast(2 as bigint) >= duration_ms, reason_end = 'trackdone', false)",
    }) }}
{%- endmacro %}

{% macro counts_as_play(definition=none) -%}
    {%- set wanted = definition or var('play_definition') -%}
    {%- if wanted not in play_definitions() -%}
        {{ exceptions.raise_compiler_error(
            "var play_definition: '" ~ wanted ~ "' is none of " ~ play_definitions().keys() | join(', ') ~ "."
        ) }}
    {%- endif -%}
    (not is_length_known or {{ play_definitions()[wanted] }})
{%- endmacro %}
