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
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.saved_albums (
    album_id varchar not null, added_at timestamptz, payload jsonb,
    _dlt_load_id varchar not null, _dlt_id varchar not null
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
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.playlist_items (
    playlist_id varchar not null, position bigint not null, snapshot_id varchar, uri varchar, added_at timestamptz,
    payload jsonb, _dlt_load_id varchar not null, _dlt_id varchar not null
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
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
create table raw_spotify.artist_albums (
    album_id varchar not null, artist_id varchar not null, payload jsonb not null, fetched_at timestamptz not null,
    _dlt_load_id varchar not null, _dlt_id varchar not null
);
