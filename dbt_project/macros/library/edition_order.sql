{#
    Which edition of a recording stands for it, as terms of an `order by`: the liked one, then one on a saved album,
    then one that plays (unknown before not), then the one played most; the lowest id breaks ties. Its columns are
    named as in unified_tracks.
#}
{% macro edition_order() -%}
    is_liked desc nulls last,
    is_album_saved desc nulls last,
    is_playable is true desc,
    is_playable is not false desc,
    track_play_count desc nulls last,
    track_id collate "C" asc
{%- endmacro %}
