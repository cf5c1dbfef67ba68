"""Availability: a simulated Spotify is asked for pages, and a real PostgreSQL stores the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.availability import check_availability
from extract.library.sync import sync_liked_tracks, sync_saved_albums
from profiles.clock import as_of
from profiles.errors import Deferred, Forbidden, SpotifyUnavailable
from sandbox.account.builders import add_simple_album
from tests.extract.conftest import of_size, page_of, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from extract.report import LoadReport
    from profiles.session import Session
    from sandbox.control.faults import FaultKind
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]

ANSWERS = "select track_id, is_playable from raw_spotify.track_availability order by track_id"
ROWS = "select count(*) from raw_spotify.track_availability"


def in_market(session: Session, **settings: Any) -> Session:
    given = {"spotify_market": "DE", **settings}
    return replace(session, settings=session.settings.model_copy(update=given))


def later(session: Session, **time: float) -> Session:
    moment = as_of(session.settings) + timedelta(**time)
    return replace(session, settings=session.settings.model_copy(update={"tracker_as_of": moment}))


@pytest.fixture
def synced(session: Session) -> Session:
    """A session with a market, on a library that is stored."""
    session = in_market(session)
    sync_saved_albums(session)
    sync_liked_tracks(session)
    return session


def test_without_a_market_it_is_skipped_with_the_reason(session: Session, spotify: RunningSandbox) -> None:
    report = check_availability(session)
    assert (report.rows, report.calls) == (0, 0)
    assert report.detail["why"] == "SPOTIFY_MARKET is not set"
    assert spotify.calls.total == 0


def test_each_stored_track_gets_its_answer_under_its_own_id(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    check_availability(synced, full=True)
    blocked = next(track for track in spotify.account.tracks.values() if not track.is_playable)
    stored = set(spotify.account.liked_ids) | set(
        spotify.account.albums[spotify.account.saved_album_ids[0]].track_ids
    )
    assert dict(ask(ANSWERS)) == {id_: id_ != blocked.id for id_ in stored}


def test_the_reason_of_a_restriction_is_kept(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    blocked = next(track for track in spotify.account.tracks.values() if not track.is_playable)
    blocked.restriction = "explicit"
    check_availability(synced, full=True)
    assert ask("select reason from raw_spotify.track_availability where not is_playable") == ["explicit"]


def test_a_relinked_like_is_playable_under_its_stored_id_with_the_substitute_named(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    moved = next(track for track in spotify.account.tracks.values() if track.relinked_to)
    check_availability(synced, full=True)
    found = ask(
        "select is_playable, linked_id from raw_spotify.track_availability where track_id = %s", moved.id
    )
    assert found == [(True, moved.relinked_to)]
    assert ask("select linked_id from raw_spotify.track_availability where linked_id is not null") == [
        moved.relinked_to
    ]


@of_size(likes=120, albums=0)
def test_likes_of_one_second_are_distinguished_by_isrc(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    account = spotify.account
    substitutes = add_simple_album(account, 900_000, [f"Substitute {n}" for n in range(60)]).track_ids
    moment = account.likes[60].added_at
    tied = account.likes[30:90]
    for like, substitute in zip(tied, substitutes, strict=True):
        like.added_at = moment
        account.tracks[substitute].isrc = account.tracks[like.track_id].isrc
        account.tracks[like.track_id].relinked_to = substitute
    sync_liked_tracks(session)
    account.library_version += 1  # another order of the ties than the sync has seen
    check_availability(session, full=True)
    found = ask("select track_id, linked_id from raw_spotify.track_availability where linked_id is not null")
    assert dict(found) == {
        like.track_id: substitute for like, substitute in zip(tied, substitutes, strict=True)
    }


def check_two_likes_that_nothing_distinguishes(synced: Session, spotify: RunningSandbox) -> LoadReport:
    """Relink the first two likes, give them one time, and check them without looking up single tracks."""
    account = spotify.account
    first, second, *_ = account.likes
    second.added_at = first.added_at
    others = add_simple_album(account, 900_000, ["Another A", "Another B"]).track_ids
    for like, other in zip((first, second), others, strict=True):
        account.tracks[like.track_id].relinked_to = other
    sync_liked_tracks(synced, full=True)
    return check_availability(in_market(synced, spotify_tracks_per_day=0), full=True)


def test_likes_of_one_second_that_nothing_distinguishes_stay_unknown(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    report = check_two_likes_that_nothing_distinguishes(synced, spotify)
    assert report.detail["unpaired"] == 2
    assert not {like.track_id for like in spotify.account.likes[:2]} & {id_ for id_, _ in ask(ANSWERS)}


def test_a_track_that_its_page_did_not_answer_for_is_looked_up(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    check_two_likes_that_nothing_distinguishes(synced, spotify)
    report = check_availability(synced)
    assert report.detail["looked_up"] == 2
    assert {first.track_id for first in spotify.account.likes[:2]} <= {id_ for id_, _ in ask(ANSWERS)}


def test_an_unchanged_answer_writes_no_row(synced: Session, ask: Ask) -> None:
    first = check_availability(synced, full=True)
    assert first.rows == ask(ROWS)[0] > 0
    again = check_availability(later(synced, days=1), full=True)
    assert again.rows == 0
    newest = "select max(checked_at) from raw_spotify.track_availability"
    assert ask("select min(answered_at) from ops.catalog_checks where kind = 'track'") > ask(newest)


def test_only_a_changed_answer_is_written(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    check_availability(synced, full=True)
    like = spotify.account.likes[3]
    spotify.account.tracks[like.track_id].is_playable = False
    assert check_availability(synced, full=True).rows == 1
    assert (like.track_id, False) in ask(ANSWERS)


# -- cost


@of_size(likes=300, albums=100, long_albums=2)
def test_a_full_check_costs_one_call_per_page(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    session = in_market(session)
    sync_saved_albums(session)
    sync_liked_tracks(session)
    spotify.calls.reset()
    report = check_availability(session, full=True)
    assert spotify.calls.total == report.calls == 6 + 2 + 2
    assert ask(ROWS) == [300 + 98 * 10 + 2 * 75]


@of_size(likes=350, albums=0)
def test_seven_nights_check_every_track_at_a_seventh_of_the_calls(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    sync_liked_tracks(session)
    for night in range(7):
        spotify.calls.reset()
        check_availability(later(session, days=night))
        assert spotify.calls.total == 1
    assert ask(ROWS) == [350]


@pytest.mark.fault(11, "errors")
@pytest.mark.parametrize(
    ("kind", "error"),
    [("premium_lapsed", Forbidden), ("server_error", SpotifyUnavailable), ("quota_exceeded", Deferred)],
)
def test_an_error_never_makes_a_track_unplayable(
    synced: Session, spotify: RunningSandbox, ask: Ask, kind: FaultKind, error: type[Exception]
) -> None:
    check_availability(synced, full=True)
    before = ask(ANSWERS)
    spotify.faults.add(kind, times=None)
    with pytest.raises(error):
        check_availability(synced, full=True)
    assert ask(ANSWERS) == before


@pytest.mark.fault(11, "budget")
@of_size(likes=1_100, albums=0)
def test_far_more_than_a_hundred_tracks_become_known_in_one_night(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    sync_liked_tracks(session)
    check_availability(session)
    assert ask(ROWS) == [200]
    check_availability(session, full=True)
    assert ask(ROWS) == [1_100]


def test_a_track_nobody_asked_about_has_no_row(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    spotify.faults.add("server_error", times=None, path="/me/tracks")
    with pytest.raises(SpotifyUnavailable):
        check_availability(synced)
    assert ask(ROWS) == [0]


def test_an_answer_without_is_playable_changes_nothing(synced: Session, ask: Ask) -> None:
    check_availability(synced, full=True)
    before = ask(ANSWERS)
    likes = ask("select payload from raw_spotify.liked_tracks order by added_at desc")
    bare = scripted(synced, me_tracks=[page_of(likes)], me_albums=[page_of([])])
    check_availability(replace(bare, settings=in_market(bare, spotify_tracks_per_day=0).settings), full=True)
    assert ask(ANSWERS) == before


# -- cut short, moved, gone


@of_size(likes=400, albums=0)
def test_a_check_cut_short_by_a_quota_loads_its_answers_and_continues_from_there(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    sync_liked_tracks(session)
    spotify.faults.add("quota_exceeded", nth=2, path="/me/tracks")
    with pytest.raises(Deferred):
        check_availability(session)
    assert ask(ROWS) == [50]
    ask("delete from ops.api_cooldowns")
    spotify.calls.reset()
    check_availability(session)
    assert spotify.calls.total == 1
    assert ask(ROWS) == [100]


@of_size(likes=100, albums=0)
def test_a_page_of_another_list_leaves_its_tracks_unknown_and_is_reported(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    sync_liked_tracks(session)
    account = spotify.account
    new = add_simple_album(account, 900_000, [f"New {n}" for n in range(60)]).track_ids
    for number, track_id in enumerate(new):
        account.like(track_id, account.now + timedelta(seconds=number))
    report = check_availability(session)
    assert report.detail["unpaired"] == 50
    assert report.detail["differs"] == {"me/tracks": "Spotify lists 160 where 100 are stored"}
    assert ask(ROWS) == [0]
    # not counted as seen: its turn has not passed
    assert ask("select count(*) from ops.catalog_checks where kind = 'likes_page'") == [0]


def test_an_unliked_track_is_looked_up(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    unliked = spotify.account.liked_ids[0]
    spotify.account.unlike(unliked)
    sync_liked_tracks(synced)
    spotify.calls.reset()
    report = check_availability(synced, full=True)
    assert report.detail["looked_up"] == 1
    assert unliked in {id_ for id_, _ in ask(ANSWERS)}
    spotify.calls.reset()
    check_availability(later(synced, days=1), full=True)
    assert spotify.calls.count(template="/tracks/{id}") == 0


def test_a_track_that_spotify_no_longer_knows_is_stored_as_gone(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    unliked = spotify.account.liked_ids[0]
    spotify.account.unlike(unliked)
    spotify.account.tracks[unliked].is_gone = True
    sync_liked_tracks(synced)
    assert check_availability(synced).detail["gone"] == 1
    assert ask(
        "select is_playable, reason from raw_spotify.track_availability where track_id = %s", unliked
    ) == [(False, "gone")]


@of_size(likes=100, albums=0)
def test_look_ups_stop_at_the_days_budget(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    session = in_market(session, spotify_tracks_per_day=4)
    sync_liked_tracks(session)
    for track_id in spotify.account.liked_ids[:10]:
        spotify.account.unlike(track_id)
    sync_liked_tracks(session)
    report = check_availability(session)
    assert (report.detail["looked_up"], report.detail["waiting"]) == (4, 6)
    assert "looked_up" in check_availability(session).detail
    assert spotify.calls.count(template="/tracks/{id}") == 4


@of_size(likes=100, albums=1)
def test_look_ups_go_on_while_calls_to_the_library_are_deferred(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    session = in_market(session)
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.liked_ids[0])
    sync_liked_tracks(session)
    session.spotify.budget.start_cooldown("library", 3600, "QUOTA_EXCEEDED")
    with pytest.raises(Deferred):
        check_availability(session)
    assert ask(ROWS) == [1]
