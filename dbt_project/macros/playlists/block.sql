{#
    What a meta.playlist block may say, with what holds where it says nothing. `title` alone is required.
    select_by and order_by stand in for each other; without both, the newest in the library come first.
#}
{% macro playlist_defaults() -%}
    {{ return({
        'title': none,
        'description': '',
        'enabled': true,
        'limit': {'tracks': none, 'minutes': none},
        'per_artist': none,
        'per_album': none,
        'select_by': [],
        'order_by': [],
        'round_robin': none,
        'seed': 'none',
        'artist_separation': 0,
        'include_unavailable': false,
        'include_excluded': false,
        'dedupe_recordings': true,
        'mode': 'mirror',
        'on_empty': 'keep',
        'max_churn': none,
        'requires': {'history_days': 0, 'max_source_age_hours': 36},
        'reads_playlists': [],
        'public': false,
        'max_edit_calls': 25,
    }) }}
{%- endmacro %}

{#
    The whole block, checked: raises while dbt parses, before any relation changes, and says what to write
    instead. Called by select_tracks() and for playlist_definitions, so that both know one truth.
#}
{% macro validated_playlist(block) -%}
    {%- set defaults = playlist_defaults() -%}
    {%- do check_keys(block, defaults, 'meta.playlist') -%}
    {%- set full = dict(defaults, **block) -%}
    {%- for part in ['limit', 'requires'] -%}
        {%- set given = block[part] if block[part] is mapping else {} -%}
        {%- if part in block and block[part] is not mapping and not (part == 'limit' and block[part] is none) -%}
            {%- do refuse_block(part, block[part], 'a mapping of ' ~ defaults[part].keys() | join(', ')) -%}
        {%- endif -%}
        {%- do check_keys(given, defaults[part], 'meta.playlist.' ~ part) -%}
        {%- do full.update({part: dict(defaults[part], **given)}) -%}
    {%- endfor -%}
    {%- if full.title is not string or not full.title.strip() or full.title | length > 100 -%}
        {%- do refuse_block('title', full.title, 'a name for people, of 100 characters at most') -%}
    {%- endif -%}
    {%- if full.description is not string or full.description | length > 180 -%}
        {%- do refuse_block('description', full.description, 'a text of 180 characters at most') -%}
    {%- endif -%}

    {%- for key in ['select_by', 'order_by'] -%}
        {%- set terms = [full[key]] if full[key] is string else (full[key] or []) -%}
        {%- for term in terms -%}
            {%- do order_term(term, "''") -%}
        {%- endfor -%}
        {%- do full.update({key: terms | list}) -%}
    {%- endfor -%}
    {%- if not full.select_by -%}
        {%- do full.update({'select_by': full.order_by or ['added_at desc']}) -%}
    {%- endif -%}
    {%- if not full.order_by -%}
        {%- do full.update({'order_by': full.select_by}) -%}
    {%- endif -%}

    {#- key: least, most, may be null. A bound so that PostgreSQL's integers hold what is made of them. -#}
    {%- set whole_numbers = {
        'per_artist': [1, 1000000, true],
        'per_album': [1, 1000000, true],
        'artist_separation': [0, 10000, false],
        'max_edit_calls': [1, 1000000, false],
    } -%}
    {%- for key, (least, most, optional) in whole_numbers.items() -%}
        {%- set value = full[key] -%}
        {%- if not (optional and value is none) and not (value is integer and least <= value <= most) -%}
            {%- do refuse_block(key, value, 'a whole number from ' ~ least ~ ' to ' ~ most ~ (' or null' if optional else '')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set tracks = full.limit.tracks -%}
    {%- if tracks is not none and not (tracks is integer and 1 <= tracks <= 10000) -%}
        {%- do refuse_block('limit.tracks', tracks, 'a whole number from 1 to 10000 or null') -%}
    {%- endif -%}
    {%- set minutes = full.limit.minutes -%}
    {%- if minutes is not none and not (minutes is number and minutes is not boolean and minutes > 0) -%}
        {%- do refuse_block('limit.minutes', minutes, 'a number above 0 or null') -%}
    {%- endif -%}
    {%- for key, value in full.requires.items() -%}
        {%- set is_age = key == 'max_source_age_hours' -%}
        {%- if not (value is number and value is not boolean and (value > 0 if is_age else value >= 0))
            and not (is_age and value is none) -%}
            {%- do refuse_block('requires.' ~ key, value, 'a number above 0 or null' if is_age else 'a number from 0') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set churn = full.max_churn -%}
    {%- if churn is not none and not (churn is number and churn is not boolean and 0 <= churn <= 1) -%}
        {%- do refuse_block('max_churn', churn, 'a share from 0 to 1 or null') -%}
    {%- endif -%}

    {%- for key in ['enabled', 'include_unavailable', 'include_excluded', 'dedupe_recordings', 'public'] -%}
        {%- if full[key] is not boolean -%} {%- do refuse_block(key, full[key], 'true or false') -%} {%- endif -%}
    {%- endfor -%}
    {%- set choices = {
        'mode': ['mirror', 'append', 'freeze'],
        'on_empty': ['keep', 'clear', 'fail'],
        'round_robin': [none, 'artist', 'album'],
    } -%}
    {%- for key, allowed in choices.items() -%}
        {%- if full[key] not in allowed -%} {%- do refuse_block(key, full[key], allowed | join(' | ')) -%} {%- endif -%}
    {%- endfor -%}
    {#- YAML reads null and ~ as nothing: one constant order, as none is -#}
    {%- do full.update({'seed': 'none' if full.seed is none else full.seed}) -%}
    {%- if full.seed not in ['none', 'day', 'week', 'month'] and not modules.re.match('^fixed:.+$', full.seed | string) -%}
        {%- do refuse_block('seed', full.seed, 'none | day | week | month | fixed:<n>') -%}
    {%- endif -%}
    {%- if full.mode == 'append' and full.on_empty == 'clear' -%}
        {%- do refuse_block('on_empty', 'clear', 'keep, since mode append never removes') -%}
    {%- endif -%}
    {%- if full.reads_playlists is string or full.reads_playlists is mapping or full.reads_playlists is not sequence -%}
        {%- do refuse_block('reads_playlists', full.reads_playlists, 'a list of playlist ids') -%}
    {%- endif -%}
    {%- for id in full.reads_playlists -%}
        {%- if not modules.re.match('^[A-Za-z0-9]{22}$', id | string) -%}
            {%- do refuse_block('reads_playlists', id, 'the 22 letters and digits of a link to the playlist') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(full) }}
{%- endmacro %}

{% macro check_keys(given, known, where) -%}
    {%- for key in given -%}
        {%- if key not in known -%}
            {{ exceptions.raise_compiler_error(
                where ~ ": unknown key '" ~ key ~ "'. Known are " ~ known.keys() | join(', ') ~ "."
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro refuse_block(key, value, wanted) -%}
    {{ exceptions.raise_compiler_error(
        "meta.playlist." ~ key ~ ": " ~ tojson(value) ~ " is not possible. Write " ~ wanted ~ "."
    ) }}
{%- endmacro %}

{# The validated block of a playlist model, out of its config; only while dbt executes, the graph is empty before. #}
{% macro playlist_block_of(slug) -%}
    {%- if not execute -%} {{ return({}) }} {%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.playlist_' ~ slug] -%}
    {%- if 'playlist' not in node.config.meta -%}
        {{ exceptions.raise_compiler_error(
            "playlist_" ~ slug ~ " has no block. Write {" ~ "{ config(meta={'playlist': playlist}) }" ~ "} below its set block."
        ) }}
    {%- endif -%}
    {{ return(validated_playlist(node.config.meta.playlist)) }}
{%- endmacro %}
