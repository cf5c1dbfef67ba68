"""The inventory of the API's fields: when each one last had a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.loading import api_fields
from extract.loading.groups import GROUPS
from extract.loading.tables import ARTISTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.database import Database
    from profiles.session import Session

    Ask = Callable[..., list[Any]]

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("id", True),
        ("artists.0.id", True),
        ("artists.1.id", False),
        ("name", False),
        ("explicit", True),
        ("genres.0", False),
        ("item|track.uri", True),
        ("artists.0.id.more", False),
        ("nothing.at.all", False),
    ],
)
def test_a_value_is_neither_missing_nor_null_nor_empty(path: str, *, found: bool) -> None:
    payload = {
        "id": "a",
        "name": "",
        "explicit": False,
        "genres": [],
        "artists": [{"id": "x"}],
        "item": None,
        "track": {"uri": "spotify:track:a"},
    }
    assert api_fields.has_value(payload, path) is found


def test_every_raw_table_of_payloads_has_its_fields_in_the_inventory() -> None:
    groups = [group for group in GROUPS.values() if group.dataset == "raw_spotify"]
    tables = {table.name for group in groups for table in group.tables if "payload" in table.columns}
    assert set(api_fields.RELIED_ON) == tables


def test_a_field_that_dries_up_keeps_when_it_was_last_seen(database: Database, ask: Ask) -> None:
    def load(day: int, *payloads: dict[str, Any]) -> None:
        rows = [{"artist_id": str(n), "payload": payload} for n, payload in enumerate(payloads)]
        api_fields.note(database, {ARTISTS: rows}, MONDAY + timedelta(days=day))

    load(0, {"id": "a", "genres": ["pop"]}, {"id": "b", "genres": []})
    load(1, {"id": "c"}, {"id": "d"}, {"id": "e"})
    load(2)
    assert ask(
        "select first_seen, last_seen, last_looked_at, rows_looked, rows_with_value, rows_since_seen"
        " from ops.api_fields where resource = 'artists' and path = 'genres.0'"
    ) == [(MONDAY, MONDAY, MONDAY + timedelta(days=1), 5, 1, 3)]
    load(3, {"id": "f", "genres": ["folk"]})
    assert ask(
        "select first_seen, last_seen, rows_since_seen from ops.api_fields where path = 'genres.0'"
    ) == [(MONDAY, MONDAY + timedelta(days=3), 0)]


def test_a_sync_notes_what_new_development_mode_sends(session: Session, ask: Ask) -> None:
    sync_liked_tracks(session)
    sync_saved_albums(session)
    seen = set(ask("select resource || ':' || path from ops.api_fields where last_seen is not null"))
    never = set(ask("select resource || ':' || path from ops.api_fields where last_seen is null"))
    assert {"liked_tracks:track.external_ids.isrc", "saved_albums:album.tracks.items.0.id"} <= seen
    assert never == {"liked_tracks:track.popularity"}
