from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from profiles.spotify.budget import FAMILIES, ApiBudget, family_of

if TYPE_CHECKING:
    from profiles.database import Database


@pytest.mark.parametrize(
    ("method", "path", "family"),
    [
        ("GET", "me", "profile"),
        ("GET", "me/tracks", "library"),
        ("GET", "me/albums", "library"),
        ("PUT", "me/library", "library"),
        ("GET", "me/library/contains", "library"),
        ("GET", "me/player/recently-played", "player"),
        ("GET", "me/playlists", "playlists_read"),
        ("POST", "me/playlists", "playlists_write"),
        ("GET", "playlists/1/items", "playlists_read"),
        ("PUT", "/playlists/1/", "playlists_write"),
        ("DELETE", "playlists/1/items", "playlists_write"),
        ("GET", "albums/1/tracks", "album"),
        ("GET", "tracks/1", "track"),
        ("GET", "artists/1", "artist"),
        ("GET", "artists/1/albums", "artist_albums"),
        ("GET", "me/top/artists", "top"),
        ("GET", "search", "other"),
    ],
)
def test_every_call_has_its_family(method: str, path: str, family: str) -> None:
    assert family_of(method, path) == family
    assert family in FAMILIES


def test_the_window_rolls(database: Database) -> None:
    with closing(ApiBudget(database)) as budget:
        budget.count("library")
        with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.api_calls (family, hour, calls) values"
                " ('library', date_trunc('hour', now() - interval '23 hours'), 10),"
                " ('library', date_trunc('hour', now() - interval '26 hours'), 100)"
            )
        assert [(usage.family, usage.calls) for usage in budget.usage()] == [("library", 11)]


def test_a_longer_cooldown_is_not_shortened_by_a_shorter_one(database: Database) -> None:
    with closing(ApiBudget(database)) as budget:
        long = budget.start_cooldown("library", 7200, "QUOTA_EXCEEDED").until
        assert budget.start_cooldown("library", 60, "too many calls").until == long


def test_an_absurd_retry_after_is_capped(database: Database) -> None:
    with closing(ApiBudget(database)) as budget:
        rest = budget.start_cooldown("library", 1e12, "Retry-After")
        assert (rest.until - budget.start_cooldown("player", 1, "x").until).days <= 2
