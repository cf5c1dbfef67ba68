"""Helpers of these tests: queries, and answers of Spotify that the simulated account cannot give."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from profiles.spotify.client import Page
from profiles.spotify.retry import OUTAGES
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database
    from profiles.session import Session


@pytest.fixture
def database(loaded_database: Database) -> Database:
    """A database of the test's own with empty raw tables."""
    return loaded_database


@pytest.fixture
def spotify(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """The small account, or a library of the size that a test asks for by `@of_size(likes=230)`."""
    OUTAGES.clear()  # an earlier test's server may have had the same port
    account = library_of(**request.param) if hasattr(request, "param") else None
    with running_sandbox(account) as sandbox:
        yield sandbox


def of_size(**size: int) -> pytest.MarkDecorator:
    """Let the simulated account have a library of that size."""
    return pytest.mark.parametrize("spotify", [size], indirect=True, ids=str)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings that were logged. A command run earlier in this process may log more than these."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def liked(spotify: RunningSandbox) -> list[str]:
    return sorted(spotify.account.liked_ids)


LIKED_NOW = """
    select track_id from raw_spotify.liked_tracks as likes
    where coalesce((
        select event from raw_spotify.library_removals as events
        where kind = 'track' and events.id = likes.track_id and events.added_at = likes.added_at
        order by noticed_at desc limit 1
    ), 'returned') = 'returned'
    order by track_id
"""
EVENTS = "select kind, id, event from raw_spotify.library_removals order by noticed_at, id"
SAVED_NOW = LIKED_NOW.replace("liked_tracks", "saved_albums").replace("track", "album")


@dataclass
class ScriptedSpotify:
    """Takes the place of the client and gives prepared answers, by path and one after the other."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    calls_made: int = 0

    def get(self, path: str, **_: Any) -> dict[str, Any]:
        self.calls_made += 1
        answers = self.answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        result: dict[str, Any] = copy.deepcopy(answer)
        return result

    def scopes_hiding_playlists(self) -> list[str]:
        return []

    def page(self, path: str, *, limit: int = 50, offset: int = 0, **_: Any) -> Page:
        raw = self.get(path)
        return Page(raw["items"], int(raw.get("total") or 0), offset, limit, raw)

    def pages(self, path: str, *, limit: int = 50, offset: int = 0, **_: Any) -> Iterator[Page]:
        while True:
            page = self.page(path, limit=limit, offset=offset)
            yield page
            offset += limit
            if not page.items or offset >= page.total:
                return


def scripted(session: Session, **answers: list[Any]) -> Session:
    """Return the session with prepared answers; `me_tracks` means the path me/tracks, `__` a hyphen."""
    named = {path.replace("__", "-").replace("_", "/"): pages for path, pages in answers.items()}
    return replace(session, spotify=ScriptedSpotify(named))  # type: ignore[arg-type]


def page_of(items: list[Any], total: int | None = None) -> dict[str, Any]:
    return {"items": items, "total": len(items) if total is None else total, "limit": 50, "offset": 0}
