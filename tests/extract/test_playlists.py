"""The listing of playlists and the entries of watched ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from extract.playlists import sync_playlists, watched_playlists
from profiles.errors import Deferred
from sandbox.account.builders import small_account
from sandbox.account.ids import readable_id
from sandbox.account.model import ALL_SCOPES
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.conftest import page_of, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

MIXED = readable_id("Playlist", 1)
LATER = readable_id("Playlist", 2)
ITEMS = "/playlists/{id}/items"
URIS = "select uri from raw_spotify.playlist_items where playlist_id = %s order by position"
LISTED = "select playlist_id from raw_spotify.playlists order by 1"


@pytest.fixture(params=["new-dev", "legacy"])
def spotify(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """The small account: `item` and `items` in new Development Mode, `track` and `tracks` in legacy mode."""
    with running_sandbox(small_account(), mode=request.param) as sandbox:
        yield sandbox


def long_playlist(spotify: RunningSandbox, length: int) -> str:
    uris = [f"spotify:track:{track_id}" for track_id in spotify.account.tracks]
    return spotify.account.add_playlist("Long", [uris[n % len(uris)] for n in range(length)]).id


def test_entries_keep_their_positions_with_local_null_and_doubled_ones(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    report = sync_playlists(session, [MIXED])
    assert ask(LISTED) == sorted(spotify.account.playlists)
    assert ask(URIS, MIXED) == spotify.account.playlists[MIXED].uris
    assert report.detail["listed"] == 2
    assert ask("select distinct playlist_id from raw_spotify.playlist_items") == [MIXED]
    assert ask(
        "select is_gone from raw_spotify.playlists union select is_gone from raw_spotify.playlist_items"
    ) == [None]


def test_an_unchanged_snapshot_costs_the_listing_alone_and_writes_no_row(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [MIXED, LATER])
    loads = ask("select count(*) from raw_spotify._dlt_loads")
    spotify.calls.reset()
    report = sync_playlists(session, [MIXED, LATER])
    assert (report.rows, report.calls, spotify.calls.total) == (0, 1, 1)
    assert ask("select count(*) from raw_spotify._dlt_loads") == loads


def test_a_playlist_that_got_shorter_keeps_no_old_entry(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [MIXED])
    kept = spotify.account.playlists[MIXED].uris[:2]
    spotify.account.edit_playlist(MIXED, kept)
    sync_playlists(session, [MIXED])
    assert ask(URIS, MIXED) == kept


def test_an_emptied_playlist_is_empty_and_fills_again(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [MIXED])
    entries = spotify.account.playlists[MIXED].uris
    spotify.account.edit_playlist(MIXED, [])
    sync_playlists(session, [MIXED])
    assert ask(URIS, MIXED) == []
    assert sync_playlists(session, [MIXED]).calls == 1
    spotify.account.edit_playlist(MIXED, entries)
    sync_playlists(session, [MIXED])
    assert ask(URIS, MIXED) == entries


def test_a_deleted_playlist_leaves_the_list_and_its_entries_stay(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [MIXED, LATER])
    spotify.account.delete_playlist(MIXED)
    report = sync_playlists(session, [MIXED, LATER])
    assert report.removed == 1
    assert report.detail["kept"] == {MIXED: "it is not among the user's playlists"}
    assert ask(LISTED) == [LATER]
    assert len(ask(URIS, MIXED)) == 6
    spotify.account.restore_playlist(MIXED)
    sync_playlists(session, [MIXED])
    assert ask(LISTED) == [MIXED, LATER]


def test_a_playlist_of_someone_else_is_listed_and_its_entries_are_left_alone(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    theirs = spotify.account.add_playlist("Theirs", ["spotify:track:x"], owner_id="somebody").id
    if spotify.sandbox.mode == "legacy":
        spotify.faults.add("forbidden", "GET", f"/playlists/{theirs}/items")
    report = sync_playlists(session, [theirs, LATER])
    assert theirs in report.detail["kept"]
    assert theirs in ask(LISTED)
    assert len(ask(URIS, LATER)) == 2


def test_a_long_playlist_is_read_page_by_page(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    long = long_playlist(spotify, 230)
    sync_playlists(session, [long])
    assert ask(URIS, long) == spotify.account.playlists[long].uris
    assert ask("select total from ops.source_checks where resource = %s", f"playlist_items:{long}") == [230]


@pytest.mark.parametrize("nth", [2, 5])
def test_a_playlist_edited_while_it_is_read_is_read_again(
    session: Session, spotify: RunningSandbox, ask: Ask, nth: int
) -> None:
    long = long_playlist(spotify, 230)
    uris = spotify.account.playlists[long].uris
    rotated = [*uris[100:], *uris[:100]] if nth == 5 else uris[:-30]
    spotify.faults.on("GET", ITEMS, lambda: spotify.account.edit_playlist(long, rotated), nth=nth)
    report = sync_playlists(session, [long])
    assert "kept" not in report.detail
    assert ask(URIS, long) == rotated


def test_a_playlist_that_changes_during_each_read_keeps_its_old_items(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    long = long_playlist(spotify, 120)
    sync_playlists(session, [long])
    before = ask(URIS, long)

    def turn() -> None:
        uris = spotify.account.playlists[long].uris
        spotify.account.edit_playlist(long, [*uris[1:], uris[0]])

    spotify.account.edit_playlist(long, [*before[5:], *before[:5]])
    spotify.faults.on("GET", ITEMS, turn, nth=2, times=None)
    report = sync_playlists(session, [long])
    assert long in report.detail["kept"]
    assert ask(URIS, long) == before
    spotify.faults.clear()
    sync_playlists(session, [long])
    assert ask(URIS, long) == spotify.account.playlists[long].uris


def test_a_listing_cut_short_keeps_the_stored_list(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [])
    for number in range(60):
        spotify.account.add_playlist(f"More {number}")
    spotify.faults.add("quota_exceeded", "GET", "/me/playlists", nth=2, retry_after=40_000)
    with pytest.raises(Deferred):
        sync_playlists(session, [])
    assert ask(LISTED) == [MIXED, LATER]
    spotify.faults.clear()
    ask("delete from ops.api_cooldowns")
    sync_playlists(session, [])
    assert ask(LISTED) == sorted(spotify.account.playlists)


def test_a_listing_that_shifts_twice_keeps_the_stored_list(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    for number in range(60):
        spotify.account.add_playlist(f"More {number}")
    sync_playlists(session, [])
    before = ask(LISTED)
    spotify.faults.on("GET", "/me/playlists", lambda: spotify.account.add_playlist("New"), nth=2, times=3)
    report = sync_playlists(session, [])
    assert "total moved" in report.detail["not_whole"]
    assert ask(LISTED) == before


def test_no_playlists_at_all_is_a_whole_answer(session: Session, ask: Ask) -> None:
    sync_playlists(session, [])
    assert sync_playlists(scripted(session, me_playlists=[page_of([])]), []).removed == 2
    assert ask(LISTED) == []


def test_a_cooldown_in_the_middle_keeps_what_was_read_and_the_rest_follows(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("rate_limited", "GET", ITEMS, nth=2, retry_after=40_000)
    with pytest.raises(Deferred):
        sync_playlists(session, [MIXED, LATER])
    assert len(ask(URIS, MIXED)) == 6
    spotify.faults.clear()
    ask("delete from ops.api_cooldowns")
    sync_playlists(session, [MIXED, LATER])
    assert len(ask(URIS, LATER)) == 2


@pytest.mark.fault(6)
def test_a_song_twice_in_the_exclusions_playlist_stops_nothing(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    ask("insert into ops.playlists (slug, playlist_id, name) values ('exclusions', %s, 'exclusions')", MIXED)
    assert watched_playlists(session) == [MIXED]
    sync_playlists(session, watched_playlists(session))
    (doubled,) = ask("select uri from raw_spotify.playlist_items group by uri having count(*) > 1")
    assert doubled == spotify.account.playlists[MIXED].uris[0]


def test_rows_lost_to_a_purge_are_read_again_though_the_snapshot_is_the_same(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [LATER])
    ask("delete from raw_spotify.playlist_items")
    sync_playlists(session, [LATER])
    assert len(ask(URIS, LATER)) == 2


def test_a_playlist_that_the_list_shows_as_null_keeps_its_row(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [LATER])
    spotify.account.playlists[LATER].is_null_in_list = True
    report = sync_playlists(session, [LATER])
    assert report.removed == 0
    assert ask(LISTED) == sorted(spotify.account.playlists)
    assert len(ask(URIS, LATER)) == 2


@pytest.mark.parametrize("lost", ["playlist-read-private", "playlist-read-collaborative"])
def test_playlists_that_the_consent_no_longer_covers_are_not_taken_for_deleted(
    session: Session, spotify: RunningSandbox, ask: Ask, lost: str
) -> None:
    account = spotify.account
    secret, shared = account.add_playlist("Secret"), account.add_playlist("Shared", is_collaborative=True)
    secret.is_public = shared.is_public = False
    sync_playlists(session, [])
    granted = [scope for scope in ALL_SCOPES.split() if scope != lost]
    tokens = spotify.tokens
    tokens.grants[spotify.refresh_token].scope = " ".join(granted)
    tokens.expire_access_tokens()
    report = sync_playlists(session, [])
    assert report.removed == 0
    assert report.detail["hidden"] == [lost]
    assert ask(LISTED) == sorted(account.playlists)


def test_a_refusal_of_the_entries_of_an_own_playlist_keeps_the_stored_ones(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_playlists(session, [LATER])
    spotify.account.edit_playlist(LATER, [])
    spotify.faults.add("forbidden", "GET", ITEMS)
    report = sync_playlists(session, [LATER])
    assert LATER in report.detail["kept"]
    assert len(ask(URIS, LATER)) == 2
    sync_playlists(session, [LATER])
    assert ask(URIS, LATER) == []
