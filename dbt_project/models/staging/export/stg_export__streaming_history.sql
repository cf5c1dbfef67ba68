-- dlt's text is varchar: an incremental table that promises text would refuse its second build
select
    cast(row_hash as bigint) as row_hash,
    cast(file_id as bigint) as file_id,
    case format when 'one_year' then 'account' else 'extended' end as source,
    cast(era as text) as era,
    cast(kind as text) as kind,
    ts as reported_at,
    case
        -- An upload, not an end: the stream was made offline, and began at offline_at as far as anybody knows.
        when
            offline and offline_at + coalesce(ms_played, 0) * interval '1 millisecond' < ts
            then offline_at + coalesce(ms_played, 0) * interval '1 millisecond'
        else ts
    end as ended_at,
    coalesce(offline and offline_at < ts, false) as is_late_report,
    is_minute_precision,
    cast(least(ms_played, 2147483647) as integer) as ms_played,
    cast(track_uri as text) as track_uri,
    case when track_uri like 'spotify:track:%' then split_part(track_uri, ':', 3) end as track_id,
    cast(track_name as text) as title,
    cast(artist_name as text) as artist,
    cast(album_name as text) as album,
    cast(episode_name as text) as episode_name,
    cast(show_name as text) as show_name,
    cast(coalesce(episode_uri, audiobook_chapter_uri, audiobook_uri) as text) as spoken_uri,
    cast(coalesce(audiobook_chapter_title, audiobook_title) as text) as audiobook_title,
    cast(platform as text) as platform,
    cast(conn_country as text) as country,
    cast(reason_start as text) as reason_start,
    cast(reason_end as text) as reason_end,
    shuffle as is_shuffled,
    skipped,
    coalesce(offline, false) as is_offline,
    coalesce(incognito_mode, false) as is_incognito,
    cast(_dlt_load_id as text) as load_id
from {{ source('raw_export', 'streaming_history') }}
