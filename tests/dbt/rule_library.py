"""A small library made by hand, with all that has ever broken a rule, and a database that holds it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json, execute_values

from playlists.rules.fields import FIELDS, LANGUAGE
from tests.dbt.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playlists.rules.rule import Rule
    from profiles.database import Database

Track = dict[str, Any]

TYPES = {
    "text": "text",
    "list": "jsonb",
    "number": "numeric",
    "boolean": "boolean",
    "date": "date",
    "moment": "timestamptz",
}
TEXTS: list[str | None] = [
    "Pulp",
    "PULP",
    "Pulp Fiction",
    "X",
    "X0",
    "Guns N' Roses",
    "Guns N Roses",
    "100%",
    "100 percent",
    "under_score",
    "underXscore",
    "back\\slash",
    "back/slash",
    "🎸 solo",
    "solo",
    "'; drop table tracks; --",
    "{{ 1/0 }} {% raw %}",
    'double "quotes"',
    "Beyoncé",
    "E\u0301DITH Piaf",
    "1999",
    " padded ",
    None,
    "%",
    "_",
]
TODAY = datetime.fromisoformat(NOON).date()
NUMBERS: list[float | None] = [0, 1, 2, 5, 10, 0.5, None, -1, 250_000, 100]
TRUTHS = [True, False, None]
DATES: list[date | None] = [
    None,
    TODAY,
    TODAY - timedelta(days=1),
    TODAY - timedelta(days=29),
    TODAY - timedelta(days=30),
    TODAY + timedelta(days=1),
    date(1995, 10, 30),
    date(1995, 1, 1),
    date(1999, 12, 31),
    date(2000, 1, 1),
    date(2025, 6, 15),
    date(2025, 6, 16),
    date(2026, 5, 15),
    date(2024, 2, 29),
]
# around local midnights in Berlin, where the day is not that of UTC
MOMENTS: list[datetime | None] = [
    None,
    *(
        datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=2, minutes=minutes)
        for day in DATES
        if day is not None
        for minutes in (1, 0)
    ),
    datetime.fromisoformat(NOON),
]
COUNT = 30
"""Tracks; as many as the longest list of values, so that every field has all of its own."""
THEIRS = "theirs" + "0" * 16
OURS = "ourown" + "0" * 16
MEMBERS = {THEIRS: (1, 4, 9, 16), OURS: (2, 3, 5, 7, 11)}
"""Numbers of the tracks in two playlists."""
TWINS = (4, 20)
"""Two tracks of one recording, of which one stands in a playlist."""


def library() -> list[Track]:
    """The tracks; each field has its values in an order of its own, always the same."""
    columns = {name: _values(name, kind) for name, kind in FIELDS.items()}
    tracks = [{name: values[number] for name, values in columns.items()} for number in range(COUNT)]
    for number, track in enumerate(tracks):
        track["track_id"] = track_id(number)
        track["track_uri"] = f"spotify:track:{track_id(number)}"
        track["recording_id"] = f"recording {TWINS[0] if number == TWINS[1] else number}"
        track["is_refused"] = False  # what Spotify refuses is in no playlist, whatever the rule says
    return tracks


def _values(name: str, kind: str) -> list[Any]:
    random = Random(name)
    if kind == "list":
        texts = [text for text in TEXTS if text is not None]
        return [[], None, *(random.sample(texts, random.choice([1, 2, 3])) for _ in range(COUNT - 2))]
    pools: dict[str, list[Any]] = {
        "text": TEXTS,
        "number": NUMBERS,
        "boolean": TRUTHS,
        "date": DATES,
        "moment": MOMENTS,
    }
    values = (pools[kind] * COUNT)[:COUNT]
    random.shuffle(values)
    return values


def track_id(number: int) -> str:
    """The id of a track of the library."""
    return f"T{number:021d}"


def fill(database: Database) -> None:
    """Write the library where the builds of rules look for it."""
    columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in FIELDS.items())
    tracks = library()
    with database.transaction() as cursor:
        cursor.execute("create schema analytics; create schema intermediate")
        cursor.execute(f"create table analytics.unified_tracks ({columns})")
        cursor.execute("create table intermediate.int_track_recordings (track_id text, recording_id text)")
        execute_values(
            cursor,
            f"insert into analytics.unified_tracks ({', '.join(FIELDS)}) values %s",
            [tuple(_stored(track[name]) for name in FIELDS) for track in tracks],
        )
        execute_values(
            cursor,
            "insert into intermediate.int_track_recordings values %s",
            [(track["track_id"], track["recording_id"]) for track in tracks],
        )
        execute_values(
            cursor,
            "insert into raw_spotify.playlist_items values %s",
            [
                (THEIRS, position, "s", f"spotify:track:{track_id(number)}", None, Json({}), "1", str(number))
                for position, number in enumerate(MEMBERS[THEIRS])
            ],
        )
        # of ours the raw rows are stale: what the last push left counts
        cursor.execute(
            "insert into raw_spotify.playlist_items values (%s, 0, 's', %s, null, '{}', '1', 'x')",
            [OURS, f"spotify:track:{track_id(0)}"],
        )
        cursor.execute(
            "insert into ops.playlists (slug, playlist_id, name) values ('our_own', %s, 'Our own')", [OURS]
        )
        entries = [{"uri": f"spotify:track:{track_id(number)}", "added_at": None} for number in MEMBERS[OURS]]
        entries += [{"uri": None, "added_at": None}, {"uri": "spotify:local:a:b:c:1", "added_at": None}]
        for after, status in (([], "done"), (entries, "done"), ([], "failed")):
            cursor.execute(
                "insert into ops.playlist_pushes (slug, playlist_id, status, after_uris)"
                " values ('our_own', %s, %s, %s)",
                [OURS, status, Json(after)],
            )
        cursor.execute(
            "insert into ops.source_checks (resource, checked_at, is_complete) values (%s, now(), true)",
            [f"playlist_items:{THEIRS}"],
        )


def keep(database: Database, rules: Iterable[tuple[str, Rule]]) -> None:
    """Store rules as checked ones, all at once, in place of those that are there."""
    rows = [(slug, 1, json.dumps(rule.as_json()), "valid", LANGUAGE) for slug, rule in rules]
    with database.transaction() as cursor:
        cursor.execute("truncate ops.playlist_rules")
        execute_values(
            cursor,
            "insert into ops.playlist_rules (slug, version, rule, verdict, checked_language) values %s",
            rows,
        )
        cursor.execute("update ops.playlist_rules set checked_fingerprint = md5(cast(rule as text))")


def selected(database: Database) -> dict[str, set[str]]:
    """What the build selected for each rule."""
    with database.transaction() as cursor:
        cursor.execute("select slug, array_agg(track_id) from analytics.stored_rule_selections group by slug")
        return {slug: set(track_ids) for slug, track_ids in cursor.fetchall()}


def _stored(value: Any) -> Any:
    return Json(value) if isinstance(value, list) else value
