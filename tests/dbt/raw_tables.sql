-- The raw tables as extract leaves them on a new database, for tests that start from payloads.
create schema raw_spotify;

create table raw_spotify._dlt_loads (
    load_id varchar not null,
    schema_name varchar,
    status bigint not null,
    inserted_at timestamptz not null,
    schema_version_hash varchar
);
create table raw_spotify.liked_tracks (
    track_id varchar not null, added_at timestamptz, payload jsonb,
    _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb
);
create table raw_spotify.saved_albums (
    album_id varchar not null, added_at timestamptz, payload jsonb,
    _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb
);
create table raw_spotify.library_removals (
    kind varchar, id varchar, added_at timestamptz, event varchar, noticed_at timestamptz,
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.recently_played (
    played_at timestamptz not null, track_uri varchar not null, payload jsonb,
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.playlists (
    playlist_id varchar not null, snapshot_id varchar, payload jsonb,
    _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb, is_gone boolean
);
create table raw_spotify.playlist_items (
    playlist_id varchar not null, position bigint not null, snapshot_id varchar, uri varchar, added_at timestamptz,
    payload jsonb, _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb
);
create table raw_spotify.profile (
    account_id varchar not null, payload jsonb, _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.track_availability (
    track_id varchar not null, market varchar not null, is_playable boolean, reason varchar, linked_id varchar,
    checked_at timestamptz not null, payload jsonb, _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.artists (
    artist_id varchar not null, payload jsonb not null, fetched_at timestamptz not null,
    _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb
);
create table raw_spotify.artist_albums (
    album_id varchar not null, artist_id varchar not null, payload jsonb not null, fetched_at timestamptz not null,
    _dlt_load_id varchar not null, _dlt_id varchar not null,
    filled_payload jsonb
);

create schema raw_export;

create table raw_export._dlt_loads (
    load_id varchar not null,
    schema_name varchar,
    status bigint not null,
    inserted_at timestamptz not null,
    schema_version_hash varchar
);
create table raw_export.streaming_history (
    row_hash bigint not null, file_id bigint not null, row_number bigint not null,
    format varchar not null, era varchar not null, kind varchar not null,
    ts timestamptz not null, is_minute_precision boolean not null, ms_played bigint,
    track_name varchar, artist_name varchar, album_name varchar, track_uri varchar,
    episode_name varchar, show_name varchar, episode_uri varchar,
    audiobook_title varchar, audiobook_uri varchar, audiobook_chapter_title varchar, audiobook_chapter_uri varchar,
    platform varchar, conn_country varchar, reason_start varchar, reason_end varchar,
    shuffle boolean, skipped boolean, offline boolean, offline_timestamp bigint, offline_at timestamptz,
    incognito_mode boolean, _dlt_load_id varchar not null
);
create table raw_export.tracker_plays (
    row_hash bigint not null, track_id varchar, played_at timestamptz not null, track_name varchar,
    artist_name varchar, album_name varchar, duration_ms bigint, payload jsonb not null, _dlt_load_id varchar not null
);
create table raw_export.tracker_exclusions (
    track_id varchar not null, payload jsonb not null, imported_at timestamptz not null, _dlt_load_id varchar not null
);
create table raw_export.import_files (
    file_id bigint not null, sha256 varchar not null, name varchar not null, size_bytes bigint not null,
    format varchar, is_video boolean not null, outcome varchar not null, reason varchar, row_count bigint not null,
    play_count bigint not null, podcast_count bigint not null, audiobook_count bigint not null,
    unknown_count bigint not null, duplicate_count bigint not null, rejected_count bigint not null,
    unknown_keys jsonb not null, first_at timestamptz, last_at timestamptz, reader_version bigint not null,
    imported_at timestamptz not null, _dlt_load_id varchar not null, _dlt_id varchar not null
);
