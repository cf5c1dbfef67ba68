{{ config(materialized='table', indexes=[{'columns': ['track_key'], 'unique': true}, {'columns': ['match_group']}]) }}

with

track_recordings as (
    select
        track_id,
        recording_id,
        name_key
    from {{ ref('int_track_recordings') }}
),

tracks as (
    select
        track_id,
        track_uri,
        title,
        artist,
        album_artist,
        duration_ms
    from {{ ref('int_tracks') }}
),

reported_tracks as (
    select
        track_key,
        track_id,
        name_keys,
        duration_ms,
        report_count,
        batch
    from {{ ref('int_reported_tracks') }}
),

renamed_streams as (
    select
        report_id,
        track_key,
        minute,
        ms_played,
        is_mergeable,
        is_doubtful
    from {{ ref('int_renamed_streams') }}
),

members as (
    select
        coalesce(reported_tracks.track_key, 'spotify:track:' || tracks.track_id) as track_key,
        tracks.track_id,
        tracks.track_uri,
        track_recordings.recording_id,
        coalesce(track_recordings.name_key, track_recordings.recording_id) as name_key,
        tracks.duration_ms,
        coalesce(reported_tracks.report_count, 0) as report_count,
        coalesce(reported_tracks.batch, 0) as batch,
        false as is_alias
    from tracks
    inner join track_recordings on tracks.track_id = track_recordings.track_id
    left join reported_tracks on tracks.track_id = reported_tracks.track_id
    union all
    -- what has no id: local files, and streams for which an export gives only a name
    select
        track_key,
        cast(null as text) as track_id,
        cast(null as text) as track_uri,
        track_key as recording_id,
        case when track_key like 'name:%' then substr(track_key, 6) else track_key end as name_key,
        duration_ms,
        report_count,
        batch,
        false as is_alias
    from reported_tracks
    where track_id is null
    union all
    -- exports use the artist of the album, who may be another, and names of their time: these lead to the track, too
    select
        reported_tracks.track_key,
        tracks.track_id,
        tracks.track_uri,
        track_recordings.recording_id,
        names.name_key,
        tracks.duration_ms,
        reported_tracks.report_count,
        reported_tracks.batch,
        true as is_alias
    from reported_tracks
    inner join tracks on reported_tracks.track_id = tracks.track_id
    inner join track_recordings on reported_tracks.track_id = track_recordings.track_id
    cross join lateral jsonb_array_elements_text(reported_tracks.name_keys) as names (name_key)
    union all
    -- the API names that artist, too, before any export with a uri does
    select
        'spotify:track:' || tracks.track_id as track_key,
        tracks.track_id,
        tracks.track_uri,
        track_recordings.recording_id,
        {{ name_key('tracks.title') }} || '|' || {{ name_key('tracks.album_artist') }} as name_key,
        tracks.duration_ms,
        coalesce(reported_tracks.report_count, 0) as report_count,
        coalesce(reported_tracks.batch, 0) as batch,
        true as is_alias
    from tracks
    inner join track_recordings on tracks.track_id = track_recordings.track_id
    left join reported_tracks on tracks.track_id = reported_tracks.track_id
    where tracks.title is not null and tracks.album_artist <> tracks.artist
),

-- Tracks of one recording and tracks of one name meet in one group: the lowest name spreads in turn among them.
{%- for step in range(1, 6) %}
spread_{{ step }} as (
    select
        {{ 'members' if loop.first else 'spread_' ~ (step - 1) }}.*,
        min({{ 'name_key' if loop.first else 'label_' ~ (step - 1) }} collate "C")
            over (partition by {{ 'recording_id' if step % 2 else 'name_key' }}) as label_{{ step }}
    from {{ 'members' if loop.first else 'spread_' ~ (step - 1) }}
),
{% endfor %}
-- a name that only one recording has identifies the track: the edition of it that is reported most
unambiguous_names as (
    select name_key
    from members
    where track_id is not null
    group by name_key
    having count(distinct recording_id) = 1
),

named_tracks as (
    select distinct on (members.name_key)
        members.name_key,
        members.recording_id,
        members.track_id,
        members.track_uri,
        members.duration_ms
    from members
    inner join unambiguous_names on members.name_key = unambiguous_names.name_key
    where members.track_id is not null
    order by members.name_key asc, members.report_count desc, members.track_id collate "C" asc
),

-- Two exports may give one stream two names: such streams are matched with each other, although their names differ.
renamed_labels as (
    select distinct
        spread_5.label_5 as label,
        min(spread_5.label_5 collate "C") over (partition by renamed_streams.minute, renamed_streams.ms_played)
            as other_label
    from renamed_streams
    inner join spread_5 on renamed_streams.track_key = spread_5.track_key and not spread_5.is_alias
    where renamed_streams.is_mergeable
),

{{ lowest_connected('linked', 'renamed_labels', 'label') }},

renamed_tracks as (
    select
        track_key,
        md5(string_agg(
            report_id || is_mergeable || is_doubtful, ' ' order by report_id collate "C"
        )) as renamed_streams
    from renamed_streams
    group by track_key
)

select
    spread_5.track_key,
    md5(coalesce(linked.lowest_label, spread_5.label_5)) as match_group,
    md5(spread_5.label_5) as name_group,
    spread_5.recording_id,
    coalesce(named_tracks.recording_id, spread_5.recording_id) as song_id,
    cast(coalesce(spread_5.track_id, named_tracks.track_id) as text) as track_id,
    coalesce(spread_5.track_uri, named_tracks.track_uri) as track_uri,
    spread_5.track_id is null and named_tracks.track_id is not null as is_track_found_by_name,
    coalesce(spread_5.duration_ms, named_tracks.duration_ms) as duration_ms,
    renamed_tracks.renamed_streams,
    spread_5.batch
from spread_5
left join linked on spread_5.label_5 = linked.label
left join renamed_tracks on spread_5.track_key = renamed_tracks.track_key
left join named_tracks
    on
        spread_5.name_key = named_tracks.name_key
        and spread_5.track_key like 'name:%'
where not spread_5.is_alias
