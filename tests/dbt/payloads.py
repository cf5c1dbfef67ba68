"""Payloads as Spotify sends them in new Development Mode, and the raw tables that hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles import simulated_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from profiles.database import Database

RAW_TABLES = Path(__file__).with_name("raw_tables.sql")

Json = dict[str, Any]


def make_raw_tables(database: Database) -> None:
    """Create the raw tables, empty, in a database that from now on lives in simulated time."""
    execute(database, RAW_TABLES.read_text(encoding="utf-8"))
    simulated_time.begin(database)


def execute(database: Database, statement: str, values: Iterable[Any] | None = None) -> None:
    """Run one statement in a transaction of its own."""
    with database.transaction() as cursor:
        cursor.execute(statement, list(values) if values is not None else None)


def rows(database: Database, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with database.transaction() as cursor:
        cursor.execute(query, list(values) or None)
        return cursor.fetchall()


def track(
    id_: str,
    title: str | None = None,
    *,
    artist: str = "Pulp",
    album: str | None = "Different Class",
    isrc: str | None = None,
    duration_ms: int = 200_000,
    number: int = 1,
    total_tracks: int = 10,
    is_simplified: bool = False,
) -> Json:
    """A track object; simplified as in a saved album: without album and ISRC."""
    found: Json = {
        "id": id_,
        "uri": f"spotify:track:{id_}",
        "type": "track",
        "name": title or f"Title of {id_}",
        "artists": [{"id": f"artist-{artist}", "name": artist}],
        "duration_ms": duration_ms,
        "explicit": False,
        "track_number": number,
        "disc_number": 1,
        "is_local": False,
    }
    if not is_simplified:
        found["external_ids"] = {"isrc": isrc} if isrc else {}
        found["album"] = {
            "id": f"album-{album}",
            "name": album,
            "album_type": "album",
            "total_tracks": total_tracks,
            "release_date": "1995-10-30",
            "release_date_precision": "day",
            "images": [{"url": "https://image", "height": 640, "width": 640}],
        }
    return found


class Raw:
    """Writes raw rows as dlt leaves them: one load per call of `load`, rows merged by their key."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._load = 0

    def like(self, thing: Json, added_at: str) -> None:
        """A like as last seen: a later one of the same track takes its place."""
        self._merge(
            "liked_tracks",
            {"track_id": thing["id"]},
            {"added_at": added_at, "payload": {"added_at": added_at, "track": thing}},
        )

    def save(self, name: str, tracks: list[Json], added_at: str, *, total_tracks: int | None = None) -> str:
        """A saved album with all its tracks; returns its id."""
        album_id = f"album-{name}"
        album = {
            "id": album_id,
            "name": name,
            "album_type": "album",
            "artists": tracks[0]["artists"] if tracks else [],
            "total_tracks": total_tracks or len(tracks),
            "release_date": "1995",
            "release_date_precision": "year",
            "images": [],
            "tracks": {"items": tracks, "total": len(tracks)},
        }
        payload = {"added_at": added_at, "album": album}
        self._merge("saved_albums", {"album_id": album_id}, {"added_at": added_at, "payload": payload})
        return album_id

    def remove(self, kind: str, id_: str, added_at: str, noticed_at: str, event: str = "removed") -> None:
        """An event of an entry of the library."""
        key = {"kind": kind, "id": id_, "added_at": added_at, "event": event, "noticed_at": noticed_at}
        self._merge("library_removals", key, {})

    def play(self, thing: Json, *moments: str, context: Json | None = None) -> None:
        """Plays of a track, in one load."""
        for played_at in moments:
            payload = {"track": thing, "played_at": played_at, "context": context}
            key = {"played_at": played_at, "track_uri": thing["uri"]}
            self._merge("recently_played", key, {"payload": payload}, is_new_load=played_at == moments[0])

    def playlist(self, slug: str, playlist_id: str, entries: list[Json | None]) -> None:
        """A registered playlist and its entries (`item` objects; None = one that Spotify hides)."""
        execute(
            self.database,
            "insert into ops.playlists (slug, playlist_id, name) values (%s, %s, %s) on conflict do nothing",
            [slug, playlist_id, slug],
        )
        execute(self.database, "delete from raw_spotify.playlist_items where playlist_id = %s", [playlist_id])
        for position, item in enumerate(entries):
            uri = item and item.get("uri")
            is_local = bool(uri and uri.startswith("spotify:local:"))
            values = {"uri": uri, "payload": {"added_at": None, "is_local": is_local, "item": item}}
            self._merge("playlist_items", {"playlist_id": playlist_id, "position": position}, values)

    def _merge(self, table: str, key: Json, values: Json, *, is_new_load: bool = True) -> None:
        self._load += is_new_load
        condition = " and ".join(f"{column} = %s" for column in key)
        execute(self.database, f"delete from raw_spotify.{table} where {condition}", key.values())
        load_id = f"{1_700_000_000 + self._load}.5"
        execute(
            self.database,
            "insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at)"
            " select %s, 'test', 0, now()"
            " where not exists (select from raw_spotify._dlt_loads where load_id = %s)",
            [load_id, load_id],
        )
        row = {**key, **values, "_dlt_load_id": load_id, "_dlt_id": "id"}
        given = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        execute(self.database, f"insert into raw_spotify.{table} ({columns}) values ({places})", given)
