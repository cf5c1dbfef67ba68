"""A full pass that was cut short goes on where it stopped. Only whole views remove entries."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from extract.library import full_pass
from extract.library.sync import sync_liked_tracks, sync_saved_albums
from profiles.errors import Deferred
from sandbox.account.builders import add_simple_album
from tests.extract.conftest import LIKED_NOW, SAVED_NOW, liked, of_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from extract.report import LoadReport
    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]
    Sync = Callable[..., LoadReport]

EVENTS = "select id from raw_spotify.library_removals order by id"
PATHS = {sync_liked_tracks: "/me/tracks", sync_saved_albums: "/me/albums"}
LIKES = of_size(likes=400, albums=0)
ALBUMS = of_size(albums=400, long_albums=3)


def cut_short(sync: Sync, session: Session, spotify: RunningSandbox, *, after_pages: int) -> None:
    fault = spotify.faults.add("quota_exceeded", "GET", PATHS[sync], nth=after_pages + 1, retry_after=86_000)
    with pytest.raises(Deferred):
        sync(session, full=True)
    assert fault.fired == 1
    with pytest.raises(Deferred):  # a run that comes too early keeps the place
        sync(session, full=True)
    spotify.faults.clear()
    with session.database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.api_cooldowns")
    spotify.calls.reset()


@LIKES
def test_a_first_pass_goes_on_where_it_stopped(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    cut_short(sync_liked_tracks, session, spotify, after_pages=5)
    assert ask("select count(*) from raw_spotify.liked_tracks") == [250]
    sync_liked_tracks(session)
    assert spotify.calls.total == 1 + 3
    assert ask("select count(*) from raw_spotify.liked_tracks") == [400]
    assert ask("select count(*) from ops.source_checks where resource like 'liked%%'") == [1]


@LIKES
def test_a_resumed_pass_over_an_unchanged_list_notices_what_left_before(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = sorted(spotify.account.likes[place].track_id for place in (20, 380))
    for track_id in gone:
        spotify.account.unlike(track_id)
    cut_short(sync_liked_tracks, session, spotify, after_pages=4)
    assert ask(EVENTS) == []
    sync_liked_tracks(session, full=True)
    assert spotify.calls.total == 1 + 4
    assert ask(EVENTS) == gone


@LIKES
def test_a_list_that_has_changed_meanwhile_is_listed_from_the_start(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = sorted(spotify.account.likes[place].track_id for place in (30, 390))
    spotify.account.unlike(gone[0])
    cut_short(sync_liked_tracks, session, spotify, after_pages=4)
    # one removed from the part that was seen and one added: the total is the same
    spotify.account.unlike(gone[1])
    spotify.account.like(add_simple_album(spotify.account, 900, ["New"]).track_ids[0])
    sync_liked_tracks(session, full=True)
    assert spotify.calls.total == 1 + 8
    assert ask(EVENTS) == gone
    assert ask("select count(*) from raw_spotify.liked_tracks") == [401]


@of_size(likes=1_500, albums=0)
def test_a_killed_pass_goes_on_twenty_calls_before_the_kill_at_most(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("hang_before", "GET", "/me/tracks", nth=27)
    command = [sys.executable, "-m", "extract", "sync", "likes"]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    assert spotify.faults.wait_for_hang(60) is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    spotify.faults.clear()
    spotify.calls.reset()
    sync_liked_tracks(session)
    # of the twenty calls one was the sign-in's; one page shows that the list is still the same
    assert spotify.calls.count("GET", "/me/tracks") == 1 + 30 - (full_pass.SAVE_EVERY - 1)
    assert ask(LIKED_NOW) == liked(spotify)


@ALBUMS
def test_albums_that_were_not_seen_come_first_and_the_whole_view_decides(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    gone = sorted(spotify.account.saved_album_ids[place] for place in (20, 330))
    for album_id in gone:
        spotify.account.unsave_album(album_id)
    cut_short(sync_saved_albums, session, spotify, after_pages=3)
    assert ask(EVENTS) == []
    assert sync_saved_albums(session).removed == 2
    # five pages that had not been seen, the three others, and the first of the five once more
    assert spotify.calls.total == 5 + 3 + 1
    assert ask(EVENTS) == gone


@ALBUMS
def test_a_first_pass_over_albums_keeps_what_was_read_and_asks_for_no_long_album_twice(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    cut_short(sync_saved_albums, session, spotify, after_pages=3)
    assert ask("select count(*) from raw_spotify.saved_albums") == [150]
    sync_saved_albums(session, full=True)
    assert spotify.calls.count("GET", "/me/albums") == 9
    assert ask(SAVED_NOW) == sorted(spotify.account.saved_album_ids)
    lengths = "select jsonb_array_length(payload #> '{album,tracks,items}') from raw_spotify.saved_albums"
    assert sorted(ask(lengths))[-3:] == [75, 75, 75]
    assert spotify.calls.count("GET", "/albums/{id}/tracks") == long_ones_after(spotify, 150)


def long_ones_after(spotify: RunningSandbox, place: int) -> int:
    account = spotify.account
    return sum(len(account.albums[id_].track_ids) > 50 for id_ in account.saved_album_ids[place:])


@ALBUMS
def test_albums_that_shift_while_a_resumed_pass_reads_are_not_taken_for_gone(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    cut_short(sync_saved_albums, session, spotify, after_pages=3)
    account = spotify.account
    late = add_simple_album(account, 900, ["One"]).id

    def swap() -> None:
        # all after the place has been read: what stood before it moves down by one, over the place
        account.unsave_album(account.saved_album_ids[300])
        account.save_album(late)

    spotify.faults.on("GET", "/me/albums", swap, nth=6)
    report = sync_saved_albums(session)
    assert report.detail["not_whole"] == "the list shifted while paging"
    assert ask(EVENTS) == []
    assert sync_saved_albums(session).removed == 1
    assert ask(SAVED_NOW) == sorted(account.saved_album_ids)


@of_size(albums=230)
def test_whatever_happens_to_albums_between_two_attempts_the_next_pass_stores_what_is_saved(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    chance = random.Random(5)
    account = spotify.account
    sync_saved_albums(session)
    for number in range(6):
        cut_short(sync_saved_albums, session, spotify, after_pages=chance.randrange(1, 4))
        for _ in range(chance.randrange(3)):
            account.unsave_album(chance.choice(account.saved_album_ids))
        for extra in range(chance.randrange(3)):
            account.save_album(add_simple_album(account, 900 + 10 * number + extra, ["One"]).id)
        if number % 2:  # an order of its own, as by last listened
            chance.shuffle(account.saved_albums)
        assert "not_whole" not in sync_saved_albums(session).detail
        assert ask(SAVED_NOW) == sorted(account.saved_album_ids)
