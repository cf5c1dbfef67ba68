{#
    What was heard, for tables that count by day, month or period: the id of the track, else the uri of a local file,
    else the names by which a source told of a track that several recordings could be.
#}
{% macro track_key() -%}
    coalesce(track_id, track_uri, 'name:' || coalesce(title, '') || '|' || coalesce(artist, ''))
{%- endmacro %}

{# How long a play lasted: as long as it was heard where a source tells it, else as long as its track is. #}
{% macro heard_ms() -%}
    coalesce(ms_played, duration_ms, 0)
{%- endmacro %}

{# Sums of listens that are grouped. Most skips are too short to be plays, so they are counted among all listens. #}
{% macro listening_sums() -%}
    cast(count(*) filter (where is_play) as integer) as play_count,
    cast(coalesce(sum({{ heard_ms() }}) filter (where is_play), 0) as bigint) as heard_ms,
    cast(coalesce(sum(duration_ms) filter (where is_play and ms_played is null), 0) as bigint) as estimated_ms,
    cast(count(*) filter (where is_skipped) as integer) as skip_count,
    cast(count(*) filter (where is_skipped is not null) as integer) as known_end_count,
    min(played_at) filter (where is_play) as first_played_at,
    max(played_at) filter (where is_play) as last_played_at
{%- endmacro %}

{# Sums of rows that hold such sums. #}
{% macro sums_of_sums() -%}
    cast(sum(play_count) as integer) as play_count,
    cast(sum(heard_ms) as bigint) as heard_ms,
    cast(sum(estimated_ms) as bigint) as estimated_ms,
    cast(sum(skip_count) as integer) as skip_count,
    cast(sum(known_end_count) as integer) as known_end_count,
    min(first_played_at) as first_played_at,
    max(last_played_at) as last_played_at
{%- endmacro %}

{# Milliseconds as minutes, with two decimals. #}
{% macro minutes(milliseconds) -%}
    cast(round({{ milliseconds }} / 60000.0, 2) as double precision)
{%- endmacro %}

{# A share of a whole, 0 to 1; null where there is no whole. #}
{% macro share(part, whole) -%}
    {{ part }} / cast(nullif({{ whole }}, 0) as double precision)
{%- endmacro %}
