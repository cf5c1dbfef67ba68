-- The raw tables as extract leaves them on a new database, for tests that start from payloads.
create schema raw_spotify;

create table raw_spotify._dlt_loads (
    load_id text not null,
    schema_name text,
    status bigint not null,
    inserted_at timestamptz not null,
    schema_version_hash text
);
create table raw_spotify.liked_tracks (
    track_id text not null, added_at timestamptz, payload jsonb,
    _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.saved_albums (
    album_id text not null, added_at timestamptz, payload jsonb,
    _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.library_removals (
    kind text, id text, added_at timestamptz, event text, noticed_at timestamptz,
    _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.recently_played (
    played_at timestamptz not null, track_uri text not null, payload jsonb,
    _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.playlists (
    playlist_id text not null, snapshot_id text, payload jsonb,
    _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.playlist_items (
    playlist_id text not null, position bigint not null, snapshot_id text, uri text, added_at timestamptz,
    payload jsonb, _dlt_load_id text not null, _dlt_id text not null
);
create table raw_spotify.profile (
    account_id text not null, payload jsonb, _dlt_load_id text not null, _dlt_id text not null
);
