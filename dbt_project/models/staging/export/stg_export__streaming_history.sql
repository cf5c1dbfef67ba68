with

history as (
    select
        *,
        -- When a stream made offline began, where that is known; `ts` is then its upload. Some exports hold impossible
        -- times: those are not believed.
        case
            when
                offline
                and offline_at >= timestamptz '2006-01-01 00:00:00+00'
                and offline_at < ts
                and offline_at >= ts - interval '{{ var("late_upload_days") }} days'
                then offline_at
        end as offline_began_at
    from {{ source('raw_export', 'streaming_history') }}
)

-- dlt's text is varchar: an incremental table that promises text would refuse its second build
select
    cast(row_hash as bigint) as row_hash,
    cast(file_id as bigint) as file_id,
    case format when 'one_year' then 'account' else 'extended' end as source,
    cast(era as text) as era,
    cast(kind as text) as kind,
    ts as reported_at,
    coalesce(least(ts, offline_began_at + coalesce(ms_played, 0) * interval '1 millisecond'), ts) as ended_at,
    -- to the second: some exports are not more precise
    date_trunc('second', offline_began_at, 'UTC') as offline_began_at,
    offline_began_at is not null as is_late_report,
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
    -- some exports hold whole years without reasons
    cast(nullif(reason_start, 'none') as text) as reason_start,
    cast(nullif(reason_end, 'none') as text) as reason_end,
    shuffle as is_shuffled,
    skipped,
    coalesce(offline, false) as is_offline,
    coalesce(incognito_mode, false) as is_incognito,
    cast(_dlt_load_id as text) as load_id
from history
