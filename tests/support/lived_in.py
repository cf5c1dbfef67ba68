"""A database that has been lived in: rows of every kind in every schema of ours, and a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from profiles.database import our_tables

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database

REFRESH_TOKEN = "AQD-refresh-token-of-the-test-that-nobody-may-find"
ACCESS_TOKEN = "BQD-access-token-of-the-test-that-nobody-may-find"
VERIFIER = "verifier-of-the-test-that-nobody-may-find"
FINGERPRINT = "fingerprint-of-the-test-that-nobody-may-find"
SECRETS = (REFRESH_TOKEN, ACCESS_TOKEN, VERIFIER, FINGERPRINT)
PERSONAL = "Ночной трамвай 🌅"

_MAKE = """
    create schema raw_spotify; create schema raw_spotify_staging; create schema raw_export;
    create schema staging; create schema intermediate; create schema analytics; create schema snapshots;
    create table raw_spotify.liked_tracks (
        track_id text primary key, added_at timestamptz, payload jsonb, _dlt_load_id text
    );
    insert into raw_spotify.liked_tracks
    select 'track' || n, '2026-03-01 12:00+02'::timestamptz + n * interval '1 second',
        jsonb_build_object('name', %(personal)s, 'n', n), 'load' from generate_series(1, 2500) as n;
    create table raw_spotify._dlt_loads (load_id text, inserted_at timestamptz);
    insert into raw_spotify._dlt_loads values ('load', now());
    create table raw_spotify_staging.liked_tracks (like raw_spotify.liked_tracks);
    insert into raw_spotify_staging.liked_tracks values ('track1', now(), '{}', 'load');
    create table raw_export.streaming_history (row_hash bigint primary key, ts timestamp, track_name text);
    insert into raw_export.streaming_history
    values (-9223372036854775808, '2015-01-01 00:00:00', %(personal)s);
    create table raw_export.empty_one (id integer);
    create view staging.stg_likes as select track_id from raw_spotify.liked_tracks;
    create table intermediate.oddities (
        id integer generated always as identity, "odd ""name"" %%" text, share numeric(5, 2), whole numeric,
        artists text[], counts bigint[], is_it boolean, day date, blob bytea, took interval, one uuid,
        ratio double precision, small smallint, ends_at timestamptz
    );
    insert into intermediate.oddities
        ("odd ""name"" %%", share, whole, artists, counts, is_it, day, blob, took, one, ratio, small, ends_at)
    values (
        E'a,"b"\\n\\t''; drop table all', 12.50, 12345678901234567890.5, array[%(personal)s, null, 'a"b'],
        array[1, null], true, '0044-03-15', '\\x00ff', '1 day', gen_random_uuid(), 'NaN', 7, 'infinity'
    ), (null, null, null, null, null, null, null, null, null, null, null, null, null);
    create table analytics.playlist_selections (slug text, position integer, primary key (slug, position));
    insert into analytics.playlist_selections values ('most_played', 1);
    create view analytics.top as select slug from analytics.playlist_selections;
    create function analytics.twice(integer) returns integer language sql as 'select $1 * 2';
    create table snapshots.likes (track_id text, valid_from timestamptz);
    insert into snapshots.likes values ('track1', now());
    insert into ops.account (account_id, display_name) values ('me', %(personal)s);
    insert into ops.play_polls (polled_at, outcome) values (now(), 'new'), (now(), 'nothing_new');
    insert into ops.tokens (name, client_id, access_token, refresh_token)
    values ('spotify', 'app', %(access_token)s, %(refresh_token)s);
    insert into ops.token_imports (fingerprint, verdict) values (%(fingerprint)s, 'imported');
    insert into ops.pending_logins (state_hash, client_id, redirect_uri, verifier, expires_at)
    values ('hash', 'app', 'http://127.0.0.1/callback', %(verifier)s, now());
"""


def move_in(database: Database) -> None:
    """Fill the database."""
    with database.transaction() as cursor:
        cursor.execute(
            _MAKE,
            {
                "personal": PERSONAL,
                "access_token": ACCESS_TOKEN,
                "refresh_token": REFRESH_TOKEN,
                "fingerprint": FINGERPRINT,
                "verifier": VERIFIER,
            },
        )


def contents(database: Database) -> dict[str, list[str]]:
    """Return every row of every table of the database, as text, in an order of its own."""
    with database.transaction() as cursor:
        found = {}
        for table in our_tables.every_table(cursor):
            cursor.execute(sql.SQL("select t::text from {} as t order by 1").format(table.identifier))
            found[str(table)] = [row for (row,) in cursor.fetchall()]
        return found


def files_with(folder: Path, *texts: str) -> list[str]:
    """Search the bytes of every file below a folder; return which files hold which of the texts."""
    return [
        f"{path}: {text}"
        for path in folder.rglob("*")
        if path.is_file()
        for text in texts
        if text.encode() in path.read_bytes()
    ]
