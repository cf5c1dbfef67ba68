{#
    The facts of a track, as columns that are told together: where the first of a group is null, the answer lacks the
    whole of it, and an older one tells it. Popularity is none of them: it holds for a time.
#}
{% macro track_facts() -%}
    {{ return([
        ['title'],
        ['artist', 'artist_id', 'artists'],
        ['duration_ms'],
        ['isrc'],
        [
            'album', 'album_artist', 'album_id', 'album_type', 'album_total_tracks', 'album_image_url', 'release_date',
            'release_precision',
        ],
        ['track_number', 'disc_number'],
        ['explicit'],
    ]) }}
{%- endmacro %}

{# Whether an answer lacks a fact that another one may tell. #}
{% macro lacks_facts(answer) -%}
    (
        {%- for group in track_facts() %}
        {{ answer }}.{{ group[0] }} is null {{- ' or' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# Of the answers that are grouped: each fact from the first, in this order, that tells it. #}
{% macro known_facts(order) -%}
    {%- for group in track_facts() -%}
        {%- set is_last_group = loop.last -%}
        {%- for column in group %}
    (array_agg({{ column }} order by {{ group[0] }} is null, {{ order }}))[1] as {{ column }}
            {{- ',' if not (is_last_group and loop.last) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
