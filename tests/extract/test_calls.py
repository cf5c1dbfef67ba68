"""Calls of a sync, counted by the simulated Spotify: they grow with the change, not with the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.playlists import sync_playlists
from sandbox.account.builders import add_simple_album, library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.conftest import LIKED_NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """2,000 likes, 100 saved albums (two of them long) and 20 playlists; `make bench` counts at 10,000."""
    with running_sandbox(library_of(2_000, 100, 2, 20)) as sandbox:
        yield sandbox


@pytest.mark.slow
def test_calls_follow_the_change_and_not_the_library(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    account = spotify.account
    fresh = iter(add_simple_album(account, 990_000, [f"New song {n}" for n in range(40)]).track_ids)

    def sync() -> int:
        spotify.calls.reset()
        sync_saved_albums(session)
        sync_liked_tracks(session)
        sync_playlists(session, [])
        assert ask(LIKED_NOW) == sorted(account.liked_ids)
        return spotify.calls.total

    costs = {"first sync": sync(), "nothing changed": sync()}
    account.advance(1)
    account.like(next(fresh))
    costs["1 added"] = sync()
    account.unlike(account.likes[1_000].track_id)
    costs["1 removed"] = sync()
    account.advance(1)
    account.like(next(fresh))
    account.unlike(account.likes[1_800].track_id)
    costs["1 + 1"] = sync()
    for place in range(20):
        account.unlike(account.likes[40 + 90 * place].track_id)
    costs["20 removed"] = sync()
    print(costs)
    quiet = costs["nothing changed"]
    # one page of likes, two of albums, one of playlists
    assert quiet <= 4
    assert costs["1 added"] <= quiet
    assert costs["1 removed"] <= quiet + 7  # log2 of 40 pages, and the neighbours seen
    assert costs["1 + 1"] <= quiet + 8
    assert costs["20 removed"] <= quiet + 40
    # 40 pages of likes, two of albums, a further page for each long album, one of playlists
    assert costs["first sync"] <= 40 + 2 + 2 + 1 + 1
