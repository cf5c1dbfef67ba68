"""A full pass that was cut short goes on where it stopped, and only over an unchanged list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from extract.library import sync_liked_tracks
from profiles.errors import Deferred
from sandbox.builders import add_simple_album, library_of
from sandbox.testing import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

EVENTS = "select id from raw_spotify.library_removals order by id"


@pytest.fixture
def spotify() -> Iterator[Any]:
    with running_sandbox(library_of(likes=400, albums=0)) as sandbox:
        yield sandbox


def cut_short(session: Session, spotify: Any, *, after_pages: int) -> None:
    fault = spotify.faults.add("quota_exceeded", "GET", "/me/tracks", nth=after_pages + 1, retry_after=86_000)
    with pytest.raises(Deferred):
        sync_liked_tracks(session, full=True)
    assert fault.fired == 1
    with pytest.raises(Deferred):  # a run that comes too early keeps the place
        sync_liked_tracks(session, full=True)
    spotify.faults.clear()
    with session.database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.api_cooldowns")
    spotify.calls.reset()


def test_a_first_pass_goes_on_where_it_stopped(session: Session, spotify: Any, ask: Ask) -> None:
    cut_short(session, spotify, after_pages=5)
    assert ask("select count(*) from raw_spotify.liked_tracks") == [250]
    sync_liked_tracks(session)
    assert spotify.calls.total == 1 + 3
    assert ask("select count(*) from raw_spotify.liked_tracks") == [400]
    assert ask("select count(*) from ops.source_checks where resource like 'liked%%'") == [1]


def test_a_resumed_pass_over_an_unchanged_list_notices_what_left_before(
    session: Session, spotify: Any, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = sorted(spotify.account.likes[place].track_id for place in (20, 380))
    for track_id in gone:
        spotify.account.unlike(track_id)
    cut_short(session, spotify, after_pages=4)
    assert ask(EVENTS) == []
    sync_liked_tracks(session, full=True)
    assert spotify.calls.total == 1 + 4
    assert ask(EVENTS) == gone


def test_a_list_that_has_changed_meanwhile_is_listed_from_the_start(
    session: Session, spotify: Any, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = sorted(spotify.account.likes[place].track_id for place in (30, 390))
    spotify.account.unlike(gone[0])
    cut_short(session, spotify, after_pages=4)
    # one removed from the part that was seen and one added: the total is the same
    spotify.account.unlike(gone[1])
    spotify.account.like(add_simple_album(spotify.account, 900, ["New"]).track_ids[0])
    sync_liked_tracks(session, full=True)
    assert spotify.calls.total == 1 + 8
    assert ask(EVENTS) == gone
    assert ask("select count(*) from raw_spotify.liked_tracks") == [401]
