"""Who has used the first version for three weeks starts today's and loses nothing.

The fixture is in `first/`; `live_three_weeks.py` made it. An update may add tables and columns. A row that
was there stays, with every value that it had, unless a list below says that it moves.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest

from flows import cli as command
from profiles.database.restore import restore
from tests.conftest import temporary_database
from tests.upgrade.conftest import Night, back_up_as_then, restore_fixture
from tests.upgrade.contents import Contents, losses, read_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from profiles.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # on two busy cores the night takes minutes

# A build looks at each rule anew, and takes away the mark that one was due. Records of the latest look at
# Spotify tell of this night's. The sign-in is renewed, and encrypted anew.
MOVED_BY_A_NIGHT: dict[str, Collection[str] | None] = {
    "ops.playlist_rules": ("verdict_reason", "checked_at", "checked_fingerprint", "checked_language"),
    "ops.build_marks": None,
    "ops.source_checks": ("checked_at", "total", "detail"),
    "ops.catalog_checks": ("asked_at", "answered_at"),
    "ops.api_calls": ("calls", "rate_limited"),
    "ops.api_fields": ("last_seen", "last_looked_at", "rows_looked", "rows_with_value", "rows_since_seen"),
    "ops.tokens": ("access_token", "refresh_token", "scope", "expires_at", "updated_at"),
    "ops.playlists": ("full_read_at", "updated_at"),
}
# No backup holds the sign-in.
NOT_IN_A_BACKUP: dict[str, Collection[str] | None] = {"ops.tokens": None, "ops.token_imports": None}
# A row that Spotify shows again is loaded again, with the fields that the simulated one shows by now; names
# and ids are compared by a test of their own.
LOADED_AGAIN = ("payload", "fetched_at", "_dlt_load_id", "_dlt_id")
# The first version pushed after its last look at the playlists, and a push gives a playlist another snapshot.
PUSHED_SINCE = {"raw_spotify.playlists": ("snapshot_id",)}
EXPECTED_ROWS = {
    "raw_spotify.liked_tracks": 500,
    "raw_spotify.saved_albums": 40,
    "raw_spotify.recently_played": 400,
    "raw_spotify.playlist_items": 4,
    "raw_spotify.library_removals": 1,
    "raw_export.streaming_history": 1000,
    "ops.play_polls": 20,
    "ops.playlist_pushes": 20,
    "ops.playlist_rules": 3,
    "ops.playlist_rule_versions": 4,
    "ops.recording_overrides": 2,
    "ops.tokens": 1,
    "ops.api_calls": 5,
    "ops.runs": 8,
    "ops.logs": 50,
    "snapshots.liked_tracks_history": 500,
    "snapshots.playlist_selections_history": 1000,
}

# How many tracks a built-in playlist that is off would hold may change with its model.
REGISTERED = ("name", "state", "playlist_id", "last_push_at", "why")


def told(*arguments: str) -> Any:
    """What a command of today answers, as JSON."""
    with redirect_stdout(io.StringIO()) as printed:
        assert command.main([*arguments, "--json"]) == 0
    return json.loads(printed.getvalue())


def missing(old: Any, new: Any, place: str = "") -> list[str]:
    """Name what an old answer said and a new one does not; the new one may say more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line for name in old for line in missing(old[name], new.get(name, "nothing"), f"{place}.{name}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            line
            for number, pair in enumerate(zip(old, new, strict=True))
            for line in missing(*pair, f"{place}[{number}]")
        ]
    return [] if old == new else [f"{place}: {old!r} became {new!r}"]


def loaded_again(before: Contents) -> dict[str, tuple[str, ...]]:
    """The tables that a sync fills, and what another look at the same thing may change in their rows."""
    return {
        table: (*LOADED_AGAIN, *PUSHED_SINCE.get(table, ()))
        for table in before.tables
        if table.startswith("raw_spotify.")
    }


def words(payload: Any) -> set[str]:
    """Every name and id below a payload."""
    if isinstance(payload, list):
        return set().union(*map(words, payload))
    if not isinstance(payload, dict):
        return set()
    own = {str(payload[key]) for key in ("name", "id") if payload.get(key)}
    return own.union(*map(words, payload.values()))


def assert_none(found: list[str]) -> None:
    """Fail with all of them, one a line: pytest would shorten a list."""
    assert not found, "\n" + "\n".join(found)


def test_the_fixture_is_a_life_of_three_weeks(night: Night) -> None:
    few = {name: night.before.count(name) for name in EXPECTED_ROWS}
    assert {name: count for name, count in few.items() if count < EXPECTED_ROWS[name]} == {}
    [token] = night.before.tables["ops.tokens"]
    assert token["is_encrypted"]
    assert {push["undo_of"] is None for push in night.before.tables["ops.playlist_pushes"]} == {True, False}
    assert {one["kind"] for one in night.before.tables["ops.recording_overrides"]} == {"merge", "split"}
    days = {
        row["dbt_valid_from"][:10] for row in night.before.tables["snapshots.playlist_selections_history"]
    }
    assert len(days) >= 4


def test_the_start_keeps_every_row_and_value(night: Night) -> None:
    assert_none(losses(night.before, night.started))


def test_a_night_of_the_same_account_keeps_every_row_and_value(night: Night) -> None:
    moving = {**MOVED_BY_A_NIGHT, **loaded_again(night.before)}
    assert_none(losses(night.before, night.synced, moving))
    assert_none(losses(night.before, night.pushed, moving))


def test_what_spotify_shows_again_keeps_every_name_and_id(night: Night) -> None:
    found = []
    for table, moving in loaded_again(night.before).items():
        keys = [name for name in night.before.columns[table] if name not in moving]
        known = {json.dumps([row[key] for key in keys]): row for row in night.pushed.tables[table]}
        for row in night.before.tables[table]:
            key = json.dumps([row[name] for name in keys])
            gone = words(row.get("payload")) - words(known[key].get("payload"))
            found += [f"{table} {key}: {sorted(gone)}"] if gone else []
    assert_none(found)


def test_the_next_push_writes_nothing(night: Night) -> None:
    changed = [
        {key: value for key, value in result.items() if value}
        for result in night.results
        if result["outcome"] not in ("unchanged", "paused")
    ]
    assert_none([*night.writes, *map(str, changed)])


def test_playlists_and_their_pushes_answer_as_before(night: Night) -> None:
    old = night.house.answers
    listed = {one["slug"]: one for one in told("playlists", "list")}
    known = {one["slug"]: {name: one[name] for name in REGISTERED} for one in old["playlists"]}
    assert_none(missing(known, listed))
    for slug, history in old["history"].items():
        assert_none(missing(history, told("playlists", "history", slug), slug))


def test_every_version_of_each_rule_answers_as_before(night: Night) -> None:
    for slug, versions in night.house.answers["versions"].items():
        assert_none(missing(versions, told("playlists", "versions", slug), slug))


def test_an_undo_would_restore_what_it_would_have_restored(night: Night) -> None:
    for slug, [plan] in night.house.answers["undo"].items():
        # our own record is trusted for a week; a plan after that reads the playlist, which is a call
        known = {name: value for name, value in plan.items() if name != "calls"}
        assert_none(missing([known], told("playlists", "undo", slug, "--dry-run"), slug))


def test_decisions_on_recordings_and_exclusions_hold(night: Night, query: Callable[..., list[Any]]) -> None:
    old = night.house.answers
    decisions = told("recordings", "list")
    assert_none(missing(old["decisions"], decisions))
    excluded = query("select track_id from analytics.unified_tracks where is_excluded order by 1")
    assert excluded == old["excluded"]
    recording_of = dict(query("select track_id, recording_id from analytics.unified_tracks"))
    for one in decisions:
        is_same = recording_of[one["track_id"]] == recording_of[one["other_track_id"]]
        assert is_same == (one["kind"] == "merge"), one


def test_plays_are_counted_as_before(night: Night, query: Callable[..., list[Any]]) -> None:
    counts = query("select track_id, play_count from analytics.unified_tracks where play_count > 0")
    assert_none(missing(night.house.answers["play_counts"], dict(counts)))


def test_a_backup_of_the_first_version_is_restored_whole(postgres_server: Database, tmp_path: Path) -> None:
    with (
        temporary_database(postgres_server, template="template0") as old,
        temporary_database(postgres_server, template="template0") as new,
    ):
        restore_fixture(old)
        assert restore(new, back_up_as_then(old, tmp_path)).is_verified
        assert_none(losses(read_contents(old), read_contents(new), NOT_IN_A_BACKUP))


@pytest.fixture
def query(night: Night) -> Callable[..., list[Any]]:
    """Rows of a query on the upgraded database; single columns as plain values."""

    def ask(statement: str) -> list[Any]:
        with night.house.database.transaction() as cursor:
            cursor.execute(statement)
            return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]

    return ask
