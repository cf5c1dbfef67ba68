{# The language of stored rules that these macros compile. A rule that was checked for another one is left out. #}
{% macro rule_language() -%} {{ return(1) }} {%- endmacro %}

{#
    A rule as one condition on `tracks`, the alias that the caller gives to unified_tracks:
    {"match": "all" | "any", "not": bool, "conditions": [condition or rule, …]}. True or false, never null.
    What it means is written down in playlists/rules/language.py, which also checks it.
#}
{% macro rule_filter(rule) -%}
    {%- if 'conditions' not in rule -%}
        {{ rule_condition(rule) }}
    {%- elif not rule.conditions or rule.match not in ('all', 'any') -%}
        {{ exceptions.raise_compiler_error("A rule needs match all or any, and at least one condition: " ~ tojson(rule)) }}
    {%- else -%}
        {%- set parts = [] -%}
        {%- for part in rule.conditions -%}
            {%- do parts.append(rule_filter(part) | trim) -%}
        {%- endfor -%}
        {{ 'not ' if rule.get('not') -}} ({{ parts | join(' and ' if rule.match == 'all' else ' or ') }})
    {%- endif -%}
{%- endmacro %}

{#
    One condition {"field": …, "operator": …, "value": …}. A missing value fails every comparison but the
    negative ones: those are the opposite of their positive twin, which a missing value fails.
#}
{% macro rule_condition(condition) -%}
    {%- set twins = {
        'is not': 'is', 'not contains': 'contains', 'not in': 'in', 'not in the last': 'in the last',
        'is present': 'is missing', 'not in playlist': 'in playlist',
    } -%}
    {%- set operator = twins.get(condition.operator, condition.operator) -%}
    {{ 'not ' if condition.operator in twins -}}
    {%- if operator == 'in playlist' -%}
        {{ in_playlist(condition.value, condition.get('field') or 'recording_id') }}
    {%- else -%}
        {%- set kind = track_fields().get(condition.field) -%}
        {%- if kind is none -%} {%- do refuse_condition(condition, 'unknown field') -%} {%- endif -%}
        coalesce({{ rule_comparison('tracks.' ~ condition.field, kind, operator, condition) | trim }}, false)
    {%- endif -%}
{%- endmacro %}

{% macro rule_comparison(column, kind, operator, condition) -%}
    {%- if kind == 'list' -%}
        {{ 'not ' if operator == 'is missing' -}}
        exists (
            select
            from jsonb_array_elements_text(case jsonb_typeof({{ column }}) when 'array' then {{ column }} else '[]' end)
                as element (value)
            where
                {%- if operator == 'is missing' %} element.value is not null
                {%- else %} {{ rule_comparison('element.value', 'text', operator, condition) | trim }}
                {%- endif %}
        )
    {%- elif operator == 'is missing' -%}
        {{ column }} is null
    {%- elif operator == 'in' -%}
        {%- set parts = [] -%}
        {%- for value in condition.value -%}
            {%- do parts.append(rule_comparison(column, kind, 'is', dict(condition, value=value)) | trim) -%}
        {%- endfor -%}
        ({{ parts | join(' or ') }})
    {%- elif kind == 'text' -%}
        {{ rule_text_comparison(fold(column), column, operator, condition) }}
    {%- elif kind in ('date', 'moment') -%}
        {{ rule_time_comparison(column, kind, operator, condition) }}
    {%- elif operator == 'between' and kind == 'number' -%}
        {{ column }} between {{ literal(condition.value[0]) }} and {{ literal(condition.value[1]) }}
    {%- elif operator == 'is' -%}
        {{ column }} = {{ literal(condition.value) }}
    {%- elif operator in ('<', '<=', '>', '>=') and kind == 'number' -%}
        {{ column }} {{ operator }} {{ literal(condition.value) }}
    {%- else -%}
        {%- do refuse_condition(condition, 'operator does not fit ' ~ kind) -%}
    {%- endif -%}
{%- endmacro %}

{# No LIKE: in its patterns % and _ of a title would match anything. #}
{% macro rule_text_comparison(folded, column, operator, condition) -%}
    {%- set value = fold(literal(condition.value | string)) -%}
    {%- if operator == 'is' -%}
        {{ folded }} = {{ value }}
    {%- elif operator == 'contains' -%}
        position({{ value }} in {{ folded }}) > 0
    {%- elif operator == 'starts with' -%}
        starts_with({{ folded }}, {{ value }})
    {%- elif operator == 'ends with' -%}
        right({{ folded }}, length({{ value }})) = {{ value }}
    {%- elif operator == 'matches' -%}
        {{ matches(column, literal(condition.value | string)) }}
    {%- else -%}
        {%- do refuse_condition(condition, 'operator does not fit text') -%}
    {%- endif -%}
{%- endmacro %}

{#
    A value is a year, a month or a day, meant as a whole and in the person's zone: `is 1995` is any day of it,
    `after 1995` begins with 1996. A moment with its time and offset is that instant.
#}
{% macro rule_time_comparison(column, kind, operator, condition) -%}
    {%- set value = condition.value -%}
    {%- set day = column if kind == 'date' else local_date(column) -%}
    {%- if operator == 'in the last' -%}
        {%- set window = modules.re.match('^([0-9]+) (days|weeks|months|years)$', value | string) -%}
        {%- if not window -%} {%- do refuse_condition(condition, 'no time span') -%} {%- endif -%}
        {{ in_the_last(day, window.group(1), window.group(2)) }}
    {%- elif operator == 'between' -%}
        ({{ rule_time_comparison(column, kind, '>=', dict(condition, value=value[0])) | trim }}
        and {{ rule_time_comparison(column, kind, '<=', dict(condition, value=value[1])) | trim }})
    {%- elif 'T' in value and kind == 'moment' -%}
        {%- set sign = {'is': '=', 'before': '<', 'after': '>'}.get(operator, operator) -%}
        {%- if sign not in ('=', '<', '<=', '>', '>=') -%} {%- do refuse_condition(condition, 'operator does not fit') -%} {%- endif -%}
        {{ column }} {{ sign }} cast({{ literal(value) }} as timestamptz)
    {%- else -%}
        {%- set first = 'cast(' ~ literal(value ~ '-01-01'[value | length - 4:]) ~ ' as date)' -%}
        {%- set unit = {4: 'year', 7: 'month', 10: 'day'}.get(value | length) -%}
        {%- set next = 'cast(' ~ first ~ " + interval '1 " ~ unit ~ "' as date)" -%}
        {%- if operator == 'is' -%}
            ({{ day }} >= {{ first }} and {{ day }} < {{ next }})
        {%- elif operator in ('<', 'before') -%}
            {{ day }} < {{ first }}
        {%- elif operator == '<=' -%}
            {{ day }} < {{ next }}
        {%- elif operator in ('>', 'after') -%}
            {{ day }} >= {{ next }}
        {%- elif operator == '>=' -%}
            {{ day }} >= {{ first }}
        {%- else -%}
            {%- do refuse_condition(condition, 'operator does not fit a time') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether one of the user's playlists holds the track: this very id, or any edition of its recording. #}
{% macro in_playlist(playlist_id, by='recording_id') -%}
    {%- if by not in ('track_id', 'recording_id') -%}
        {{ exceptions.raise_compiler_error("in_playlist: by track_id or recording_id, not " ~ by) }}
    {%- endif -%}
    exists (
        select
        from (select * from {{ ref('int_playlist_members') }}) as members
        where members.playlist_id = {{ literal(playlist_id) }} and members.{{ by }} = tracks.{{ by }}
    )
{%- endmacro %}

{% macro refuse_condition(condition, why) -%}
    {{ exceptions.raise_compiler_error("Rule: " ~ why ~ ": " ~ tojson(condition)) }}
{%- endmacro %}
