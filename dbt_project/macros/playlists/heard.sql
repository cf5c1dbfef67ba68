{#
    The CTE `heard`: for each recording how often it was played among the plays that meet a condition on `plays`
    (played_at, local_date), whatever the edition. For playlists on a time that unified_tracks has no column for.
#}
{% macro heard(condition) -%}
heard as (
    select
        recordings.recording_id,
        cast(count(*) as integer) as plays_heard
    from {{ ref('plays') }} as plays
    inner join {{ ref('int_track_recordings') }} as recordings on plays.track_id = recordings.track_id
    where {{ condition }}
    group by recordings.recording_id
)
{%- endmacro %}

{# `candidates` out of `heard`: the tracks of the library with plays_heard, from so many plays on. #}
{% macro heard_tracks(at_least=1) -%}
candidates as (
    select
        tracks.*,
        heard.plays_heard
    from {{ ref('unified_tracks') }} as tracks
    inner join heard on tracks.recording_id = heard.recording_id
    where heard.plays_heard >= {{ at_least }}
)
{%- endmacro %}
