"""Saved albums with all their tracks, independent of likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks, sync_saved_albums
from tests.extract.conftest import EVENTS, LIKED_NOW, SAVED_NOW, liked, of_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]


@pytest.mark.fault(7)
@of_size(likes=60, albums=3, long_albums=2)
def test_albums_over_fifty_tracks_are_stored_with_all_their_tracks(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    assert spotify.calls.count("GET", "/albums/{id}/tracks") == 2
    lengths = ask("""
        select jsonb_array_length(payload #> '{album,tracks,items}') from raw_spotify.saved_albums order by 1
    """)
    assert lengths == [10, 75, 75]
    again = sync_saved_albums(session)
    assert (again.rows, again.calls) == (0, 1)
    asked_again = sync_saved_albums(session, full=True)
    assert (asked_again.rows, asked_again.calls) == (0, 3)


@of_size(albums=2, long_albums=1)
def test_a_long_album_whose_first_tracks_changed_is_completed_again(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    album = next(album for album in spotify.account.albums.values() if len(album.track_ids) > 50)
    spotify.account.tracks[album.track_ids[0]].name = "New"
    spotify.account.tracks[album.track_ids[60]].name = "New, too"
    assert sync_saved_albums(session).rows == 1
    names = ask(
        "select jsonb_path_query(payload, '$.album.tracks.items[*].name') #>> '{}'"
        " from raw_spotify.saved_albums"
    )
    assert {"New", "New, too"} <= set(names)


@of_size(albums=2, long_albums=1)
def test_a_long_album_whose_rest_cannot_be_read_is_named_and_asked_for_again(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("not_found", "GET", "/albums/{id}/tracks")
    report = sync_saved_albums(session)
    assert len(report.detail["incomplete_albums"]) == 1
    assert report.rows == 2
    assert sync_saved_albums(session).rows == 1
    assert (
        max(ask("select jsonb_array_length(payload #> '{album,tracks,items}') from raw_spotify.saved_albums"))
        == 75
    )


@pytest.mark.fault(4)
def test_unsaving_an_album_leaves_the_likes_of_its_songs(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    account = spotify.account
    album = account.albums[account.saved_album_ids[0]]
    for track_id in album.track_ids[:3]:
        account.like(track_id)
    sync_liked_tracks(session)
    sync_saved_albums(session)
    account.unsave_album(album.id)
    assert sync_saved_albums(session).removed == 1
    sync_liked_tracks(session)
    assert set(album.track_ids[:3]) <= set(ask(LIKED_NOW))
    assert ask(LIKED_NOW) == liked(spotify)
    assert ask(EVENTS) == [("album", album.id, "removed")]


@pytest.mark.fault(5)
def test_unsaving_the_last_album_leaves_no_album(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    sync_saved_albums(session)
    spotify.account.saved_albums.clear()
    assert sync_saved_albums(session).removed == 1
    assert ask(SAVED_NOW) == []
    assert sync_saved_albums(session).removed == 0


def test_an_album_saved_again_is_saved(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    sync_saved_albums(session)
    album_id = spotify.account.saved_album_ids[0]
    spotify.account.save_album(album_id, spotify.account.now)
    report = sync_saved_albums(session)
    assert (report.rows, report.removed) == (1, 1)
    assert ask(SAVED_NOW) == [album_id]


def test_an_album_that_the_list_shows_as_null_is_not_taken_for_removed(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    spotify.account.saved_albums[0].is_null = True
    report = sync_saved_albums(session)
    assert (report.removed, report.detail["without_id"]) == (0, 1)
    assert ask(SAVED_NOW) == spotify.account.saved_album_ids
