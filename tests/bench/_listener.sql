-- A listener with so many plays, as extract leaves them in the raw tables: %(plays)s plays that end now, one each
-- six minutes on average; an export tells all but the newest twentieth, polls the newest tenth. The library is the
-- same whatever the number of plays: 2,000 likes and 100 saved albums of ten tracks.
select setseed(0.5);

create function pg_temp.song(number integer) returns jsonb language sql as $$
    select jsonb_build_object(
        'id', lpad(number::text, 22, '0'),
        'uri', 'spotify:track:' || lpad(number::text, 22, '0'),
        'type', 'track',
        'name', 'Song ' || number,
        'artists', jsonb_build_array(
            jsonb_build_object('id', 'artist' || number %% 1500, 'name', 'Artist ' || number %% 1500)
        ),
        'duration_ms', 120000 + number * 7919 %% 200000,
        'explicit', false,
        'track_number', number %% 10 + 1,
        'disc_number', 1,
        'is_local', false,
        'external_ids', jsonb_build_object('isrc', 'XX' || lpad(number::text, 10, '0')),
        'album', jsonb_build_object(
            'id', 'album' || number / 10, 'name', 'Album ' || number / 10, 'album_type', 'album', 'total_tracks', 10,
            'release_date', '1995-10-30', 'release_date_precision', 'day',
            'images', jsonb_build_array(jsonb_build_object('url', 'https://image', 'height', 640, 'width', 640))
        )
    )
$$;

insert into raw_spotify.liked_tracks (track_id, added_at, payload, _dlt_load_id, _dlt_id)
select
    lpad(number::text, 22, '0'),
    now() - number * interval '10 hours',
    jsonb_build_object('added_at', now() - number * interval '10 hours', 'track', pg_temp.song(number)),
    '1700000000.0',
    'like' || number
from generate_series(0, 1999) as number;

insert into raw_spotify.saved_albums (album_id, added_at, payload, _dlt_load_id, _dlt_id)
select
    'album' || number,
    now() - number * interval '5 days',
    jsonb_build_object('added_at', now() - number * interval '5 days', 'album', jsonb_build_object(
        'id', 'album' || number, 'name', 'Album ' || number, 'album_type', 'album', 'total_tracks', 10,
        'release_date', '1995-10-30', 'release_date_precision', 'day', 'images', '[]'::jsonb,
        'artists', pg_temp.song(number * 10) -> 'artists',
        'tracks', jsonb_build_object('total', 10, 'items', (
            select jsonb_agg(pg_temp.song(track) - 'album' - 'external_ids' order by track)
            from generate_series(number * 10, number * 10 + 9) as track
        ))
    )),
    '1700000000.0',
    'album' || number
from generate_series(150, 249) as number;

insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at, schema_version_hash)
values ('1700000000.0', 'library', 0, now(), '');

-- Few songs are played much, most of them seldom: one play in a hundred is of the two songs played most.
create temporary table plays as
select
    number,
    steps.ended_at,
    steps.track,
    120000 + steps.track * 7919 %% 200000 as duration_ms,
    random() < 0.25 as is_skipped
from (
    select
        number,
        date_trunc('second', now()) - (%(plays)s - number + random() * 0.5) * interval '360 seconds' as ended_at,
        cast(floor(power(random(), 2) * 20000) as integer) as track
    from generate_series(1, %(plays)s) as number
) as steps;

insert into raw_export.streaming_history (
    row_hash, file_id, row_number, format, era, kind, ts, is_minute_precision, ms_played, track_name, artist_name,
    album_name, track_uri, platform, conn_country, reason_start, reason_end, shuffle, skipped, offline,
    offline_timestamp, offline_at, incognito_mode, _dlt_load_id
)
select
    number, number / 15000, number %% 15000, 'extended', 'extended_since_2024', 'track', date_trunc('second', ended_at), false,
    case when is_skipped then cast(duration_ms as bigint) * (number %% 97) / 200 else duration_ms end,
    'Song ' || track, 'Artist ' || track %% 1500, 'Album ' || track / 10,
    'spotify:track:' || lpad(track::text, 22, '0'), 'android', 'DE', 'trackdone',
    case when is_skipped then 'fwdbtn' else 'trackdone' end,
    number %% 2 = 0, is_skipped, false, null, null, false, '1700000001.0'
from plays
where number <= %(plays)s * 0.95;

insert into raw_export.import_files (
    file_id, sha256, name, size_bytes, format, is_video, outcome, row_count, play_count, podcast_count,
    audiobook_count, unknown_count, duplicate_count, rejected_count, unknown_keys, first_at, last_at, reader_version,
    imported_at, _dlt_load_id, _dlt_id
)
select
    file_id, 'sha' || file_id, 'Streaming_History_Audio_' || file_id || '.json', 12000000, 'extended', false, 'loaded',
    count(*), count(*), 0, 0, 0, 0, 0, '{}', min(ts), max(ts), 1, now(), '1700000001.0', 'file' || file_id
from raw_export.streaming_history
group by file_id;

insert into raw_export._dlt_loads (load_id, schema_name, status, inserted_at, schema_version_hash)
values ('1700000001.0', 'exports', 0, now(), '');

-- five plays are one load, as a poll every half hour brings them
insert into raw_spotify.recently_played (played_at, track_uri, payload, _dlt_load_id, _dlt_id)
select
    ended_at,
    'spotify:track:' || lpad(track::text, 22, '0'),
    jsonb_build_object('track', pg_temp.song(track), 'played_at', ended_at, 'context', null),
    (1700000002 + number / 5)::text || '.0',
    'play' || number
from plays
where number > %(plays)s * 0.9 and (not is_skipped or cast(duration_ms as bigint) * (number %% 97) / 200 >= 30000);

insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at, schema_version_hash)
select distinct _dlt_load_id, 'listening', 0, now(), ''
from raw_spotify.recently_played;

insert into ops.play_polls (polled_at, outcome, item_count, new_count, oldest_played_at, newest_played_at)
select
    polled_at, case when number %% 3 = 0 then 'new' else 'nothing_new' end, 50, 0,
    polled_at - interval '5 hours', polled_at - interval '6 minutes'
from generate_series(0, cast(%(plays)s * 0.1 * 360 / 600 as integer)) as number
cross join lateral (select now() - number * interval '600 seconds' as polled_at) as times;
