"""Liked tracks against a simulated Spotify and a real PostgreSQL."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks, sync_saved_albums
from sandbox.account.builders import add_simple_album
from tests.extract.conftest import EVENTS, LIKED_NOW, liked, of_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]


def test_a_first_sync_stores_every_like_as_spotify_sent_it(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    report = sync_liked_tracks(session)
    assert ask(LIKED_NOW) == liked(spotify)
    assert report.rows == len(liked(spotify))
    assert report.removed == 0
    (payload,) = ask("select payload from raw_spotify.liked_tracks order by added_at desc limit 1")
    assert set(payload) == {"added_at", "track"}
    assert payload["track"]["id"] == spotify.account.likes[0].track_id


def test_an_unchanged_library_writes_no_row(session: Session, ask: Ask) -> None:
    everything = """
        select track_id, _dlt_load_id, xmin::text from raw_spotify.liked_tracks
        union all select album_id, _dlt_load_id, xmin::text from raw_spotify.saved_albums order by 1
    """
    sync_liked_tracks(session)
    sync_saved_albums(session)
    before = ask(everything), ask("select count(*) from raw_spotify._dlt_loads")
    for full in (False, True):
        for sync in (sync_liked_tracks, sync_saved_albums):
            report = sync(session, full=full)
            assert (report.rows, report.removed) == (0, 0)
    assert (ask(everything), ask("select count(*) from raw_spotify._dlt_loads")) == before


def test_a_field_that_changed_is_stored_again(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    sync_liked_tracks(session)
    track = spotify.account.tracks[spotify.account.likes[3].track_id]
    track.name = "Another Name"
    assert sync_liked_tracks(session, full=True).rows == 1
    assert ask(
        "select payload #>> '{track,name}' from raw_spotify.liked_tracks where track_id = %s", track.id
    ) == ["Another Name"]


@pytest.mark.fault(20, "likes")
@of_size(likes=130)
def test_two_likes_saved_in_the_same_second_are_both_kept(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One", "Two"])
    for track_id in album.track_ids:
        spotify.account.like(track_id, spotify.account.now)
    assert sync_liked_tracks(session).rows == 2
    assert ask(LIKED_NOW) == liked(spotify)


@pytest.mark.parametrize("size", [0, 1, 50, 51])
def test_libraries_at_the_edges_of_a_page_are_whole(
    size: int, session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    tracks = add_simple_album(spotify.account, 950, [f"Song {n}" for n in range(60)]).track_ids
    spotify.account.likes.clear()
    for number, track_id in enumerate(tracks[:size]):
        spotify.account.like(track_id, spotify.account.now - timedelta(minutes=number))
    report = sync_liked_tracks(session)
    assert "not_whole" not in report.detail
    assert ask(LIKED_NOW) == liked(spotify)
    assert ask("select total from ops.source_checks where resource = 'liked_tracks'") == [size]


def test_a_removed_like_leaves_its_row_and_an_event(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = spotify.account.likes[4].track_id
    spotify.account.unlike(gone)
    assert sync_liked_tracks(session).removed == 1
    assert ask(EVENTS) == [("track", gone, "removed")]
    assert ask(LIKED_NOW) == liked(spotify)
    assert ask("select count(*) from raw_spotify.liked_tracks") == [len(liked(spotify)) + 1]
    assert sync_liked_tracks(session, full=True).removed == 0


@pytest.mark.fault(9)
@of_size(likes=430)
def test_an_unlike_is_noticed_every_night_and_not_only_by_weekly_full_passes(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = []
    for place in (0, 211, 427):
        gone.append(spotify.account.likes[place].track_id)
        spotify.account.unlike(gone[-1])
        report = sync_liked_tracks(session)
        assert (report.detail["pass"], report.removed) == ("incremental", 1)
        assert [id_ for _, id_, _ in ask(EVENTS)] == gone


@pytest.mark.fault(8)
@of_size(likes=320)
def test_one_removed_and_one_added_at_equal_totals_are_both_noticed(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])
    spotify.account.unlike(spotify.account.likes[200].track_id)
    spotify.account.like(album.track_ids[0])
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "incremental"
    assert (report.rows, report.removed) == (1, 1)
    assert ask(LIKED_NOW) == liked(spotify)


def test_a_track_that_is_unliked_and_liked_again_is_liked(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    track_id = spotify.account.likes[2].track_id
    spotify.account.unlike(track_id)
    spotify.account.like(track_id)
    report = sync_liked_tracks(session)
    assert (report.rows, report.removed) == (1, 1)
    assert ask(LIKED_NOW) == liked(spotify)
    spotify.account.unlike(track_id)
    sync_liked_tracks(session)
    assert track_id not in ask(LIKED_NOW)
    assert ask(EVENTS) == [("track", track_id, "removed")] * 2
    assert ask("select count(distinct added_at) from raw_spotify.library_removals") == [2]


def test_an_entry_that_comes_back_with_its_old_date_is_returned(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    like = spotify.account.likes[5]
    for _ in range(2):
        spotify.account.unlike(like.track_id)
        sync_liked_tracks(session, full=True)
        assert like.track_id not in ask(LIKED_NOW)
        spotify.account.like(like.track_id, like.added_at)
        assert sync_liked_tracks(session, full=True).detail["returned"] == 1
        assert like.track_id in ask(LIKED_NOW)
    assert [event for _, _, event in ask(EVENTS)] == ["removed", "returned"] * 2


def test_all_likes_removed_is_believed_when_the_pass_is_whole(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    count = len(spotify.account.likes)
    spotify.account.likes.clear()
    assert sync_liked_tracks(session, full=True).removed == count
    assert ask(LIKED_NOW) == []
    assert ask("select count(*) from raw_spotify.liked_tracks") == [count]


@of_size(likes=260)
def test_after_random_changes_the_stored_library_equals_the_real_one(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    chance = random.Random(11)
    account = spotify.account
    pool = list(account.tracks) + add_simple_album(account, 901, [f"Song {n}" for n in range(40)]).track_ids
    for _ in range(12):
        for _ in range(chance.choice([0, 1, 2, 9])):
            if chance.random() < 0.5 and account.likes:
                account.unlike(chance.choice(account.likes).track_id)
            else:
                account.like(chance.choice(pool))
        account.advance(chance.choice([0, 1, 30]))
        report = sync_liked_tracks(session)
        assert "not_whole" not in report.detail
        assert ask(LIKED_NOW) == liked(spotify)
