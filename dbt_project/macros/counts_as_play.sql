{# The declared definition of a play. An event without a known length counts under each. #}
{% macro counts_as_play(is_length_known, ms_played) -%}
    {%- set definitions = {'30_seconds': ms_played ~ ' >= 30000', 'any': ms_played ~ ' > 0'} -%}
    {%- if var('play_definition') not in definitions -%}
        {{ exceptions.raise_compiler_error(
            "var play_definition: '" ~ var('play_definition') ~ "' is none of " ~ definitions.keys() | join(', ') ~ "."
        ) }}
    {%- endif -%}
    (not {{ is_length_known }} or {{ definitions[var('play_definition')] }})
{%- endmacro %}
