"""The poll of recent plays against a simulated Spotify and a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.listening import poll
from extract.loading import pipeline
from profiles.database import advisory_lock
from profiles.errors import Deferred, Forbidden, SpotifyUnavailable
from sandbox.account.builders import add_simple_album, library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.conftest import scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

POLLS = "select outcome, item_count, new_count, gap_suspected from ops.play_polls order by poll_id"
PLAYS = "select count(*) from raw_spotify.recently_played"
RECENT = "/me/player/recently-played"


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """A library with twenty plays."""
    with running_sandbox(library_of(likes=70, albums=0, plays=20)) as sandbox:
        yield sandbox


def listen(spotify: RunningSandbox, times: int) -> None:
    """Play so many songs, three minutes each, up to a later now."""
    account = spotify.account
    for _ in range(times):
        account.advance(0.05)
        account.play(account.liked_ids[0], account.now)


def test_a_poll_stores_the_plays_and_its_own_row(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    report = poll(session)
    assert (report.outcome, report.count, report.new, report.gap_suspected) == ("new", 20, 20, False)
    assert ask(PLAYS) == [20]
    assert ask(POLLS) == [("new", 20, 20, False)]
    assert ask("select oldest_played_at < newest_played_at from ops.play_polls") == [True]
    assert ask("select is_complete from ops.source_checks where resource = 'recently_played'") == [True]


def test_nothing_new_writes_its_one_row_and_starts_no_load(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll(session)

    def no_load(*_: Any) -> None:
        raise AssertionError("dlt was started")

    monkeypatch.setattr(pipeline, "open_loader", no_load)
    calls = session.spotify.calls_made
    report = poll(session)
    assert (report.outcome, report.new, report.calls) == ("nothing_new", 0, 1)
    assert session.spotify.calls_made == calls + 1
    assert ask(POLLS)[1:] == [("nothing_new", 20, 0, False)]


def test_an_account_that_never_played_is_an_empty_poll(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.account.reports.clear()
    assert poll(session).outcome == "empty"
    assert ask(POLLS) == [("empty", 0, 0, False)]


def test_an_answer_without_a_body_is_an_empty_poll(session: Session, ask: Ask) -> None:
    assert poll(scripted(session, me_player_recently__played=[{}])).outcome == "empty"


@pytest.mark.fault(18)
def test_over_fifty_plays_between_polls_are_a_suspected_gap(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    poll(session)
    listen(spotify, 60)
    report = poll(session)
    assert report.gap_suspected
    assert ask(POLLS)[1:] == [("new", 50, 50, True)]
    assert ask(PLAYS) == [70]


def test_a_full_page_that_reaches_back_to_a_known_play_is_no_gap(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    poll(session)
    listen(spotify, 49)
    assert not poll(session).gap_suspected
    assert ask(POLLS)[1:] == [("new", 50, 49, False)]


def test_the_first_poll_suspects_nothing_though_its_page_is_full(
    session: Session, spotify: RunningSandbox
) -> None:
    listen(spotify, 60)
    report = poll(session)
    assert (report.count, report.gap_suspected) == (50, False)


@pytest.mark.fault(18)
def test_a_gap_is_kept_when_the_load_after_it_is_killed(
    session: Session, spotify: RunningSandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll(session)
    listen(spotify, 60)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            poll(session)
    assert ask(POLLS)[1:] == [("new", 50, 50, True)]
    assert ask(PLAYS) == [20]
    poll(session)
    assert ask(PLAYS) == [70]


@pytest.mark.fault(21)
def test_offline_plays_that_arrive_a_day_late_are_kept(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    account = spotify.account
    began = account.now
    for number in range(5):
        at = began - timedelta(hours=2, seconds=200 * number)
        account.play(account.liked_ids[number], at, visible_at=began + timedelta(hours=24), is_offline=True)
    listen(spotify, 3)
    poll(session)
    before = ask(PLAYS)
    account.clock.move_to(began + timedelta(hours=25))
    report = poll(session)
    assert (report.new, report.gap_suspected) == (5, False)
    assert ask(PLAYS) == [before[0] + 5]


@pytest.mark.fault(20, "plays")
def test_two_plays_in_one_second_are_both_kept(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    account = spotify.account
    moment = account.now
    for track_id in account.liked_ids[:2]:
        account.play(track_id, moment)
    account.advance(0.1)
    poll(session)
    assert ask(PLAYS) == [22]
    assert ask("select count(*) from raw_spotify.recently_played group by played_at having count(*) > 1") == [
        2
    ]


def play(at: str, **track: Any) -> dict[str, Any]:
    return {"played_at": at, "context": None, "track": track or None}


@pytest.mark.fault(19)
def test_plays_without_track_id_local_files_and_episodes_are_stored_once(session: Session, ask: Ask) -> None:
    local = "spotify:local:Neighbour:Tapes:Take+3:123"
    items = [
        play("2026-01-01T10:00:05.000Z", id=None, uri=local, is_local=True),
        play("2026-01-01T10:00:04.000Z", id="e1", uri="spotify:episode:e1", type="episode"),
        play("2026-01-01T10:00:03.000Z", id=None, uri=None, name="withheld"),
        play("2026-01-01T10:00:02.000Z"),
        play("2026-01-01T10:00:01.000Z", id="t1"),
        play("2026-01-01T10:00:01.000Z", id="t1"),
        play("sometime", id="t2"),
    ]
    odd = scripted(session, me_player_recently__played=[{"items": items}])
    report = poll(odd)
    assert (report.count, report.new, report.refused) == (7, 5, 1)
    uris = ask("select track_uri from raw_spotify.recently_played order by played_at")
    assert uris == ["spotify:track:t1", "spotify:unknown", "spotify:unknown", "spotify:episode:e1", local]
    again = poll(odd)
    assert (again.outcome, again.new) == ("nothing_new", 0)
    assert ask("select row_key from ops.quarantined_rows") == ["sometime"]


@pytest.mark.fault(19)
def test_a_play_that_cannot_be_stored_is_not_new_again_with_each_poll(session: Session, ask: Ask) -> None:
    items = [
        play("2026-01-01T10:00:02.000Z", id="t2", uri="spotify:track:t2", odd=10**40),
        play("2026-01-01T10:00:01.000Z", id="t1", uri="spotify:track:t1"),
    ]
    odd = scripted(session, me_player_recently__played=[{"items": items}])
    report = poll(odd)
    assert (report.new, report.refused) == (1, 1)
    assert ask(PLAYS) == [1]
    assert poll(odd).outcome == "nothing_new"


@pytest.mark.parametrize(
    "failure",
    [
        ("quota_exceeded", Deferred, "deferred"),
        ("server_error", SpotifyUnavailable, "failed"),
        ("premium_lapsed", Forbidden, "failed"),
    ],
)
def test_a_poll_that_fails_leaves_its_row_and_the_next_one_goes_on(
    session: Session, spotify: RunningSandbox, ask: Ask, failure: tuple[Any, type[Exception], str]
) -> None:
    kind, raised, outcome = failure
    poll(session)
    spotify.faults.add(kind, "GET", RECENT, times=None, retry_after=40_000)
    with pytest.raises(raised):
        poll(session)
    assert ask(POLLS)[1:] == [(outcome, 0, 0, False)]
    assert ask("select length(error) > 10 from ops.play_polls where outcome = %s", outcome) == [True]
    spotify.faults.clear()
    ask("delete from ops.api_cooldowns")
    listen(spotify, 2)
    assert poll(session).new == 2


def test_polls_go_on_while_the_library_has_to_wait(session: Session, spotify: RunningSandbox) -> None:
    from extract.library.sync import sync_liked_tracks

    spotify.faults.add("quota_exceeded", "GET", "/me/tracks", retry_after=85_771)
    with pytest.raises(Deferred):
        sync_liked_tracks(session)
    assert poll(session).outcome == "new"


def test_a_second_poll_at_the_same_time_is_skipped(session: Session, ask: Ask) -> None:
    with advisory_lock(session.database, "extract:recently_played", wait=False):
        assert poll(session).outcome == "skipped"
    assert ask(POLLS) == []


def test_one_song_played_again_and_again_is_as_many_plays(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    add_simple_album(spotify.account, 900, ["Loop"])
    listen(spotify, 16)
    poll(session)
    assert ask(PLAYS) == [36]
