"""Full passes: when they are made, and what happens where one is cut short, shifted or killed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks
from profiles.database import advisory_lock
from profiles.errors import Deferred, Forbidden, SpotifyUnavailable
from sandbox.account.builders import add_simple_album
from tests.extract.conftest import EVENTS, LIKED_NOW, liked, of_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]


@of_size(likes=230)
@pytest.mark.parametrize(
    "fault",
    [
        ({"kind": "rate_limited", "retry_after": 85_771}, Deferred),
        ({"kind": "quota_exceeded", "retry_after": 85_771}, Deferred),
        ({"kind": "server_error", "times": None}, SpotifyUnavailable),
        ({"kind": "drop_before", "times": None}, SpotifyUnavailable),
        ({"kind": "premium_lapsed", "times": None}, Forbidden),
    ],
    ids=lambda fault: fault[0]["kind"],
)
@pytest.mark.parametrize("full", [True, False], ids=["full", "changes"])
def test_a_pass_cut_short_loads_what_was_read_and_removes_nothing(
    session: Session,
    spotify: RunningSandbox,
    ask: Ask,
    fault: tuple[dict[str, Any], type[Exception]],
    full: bool,
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])
    spotify.account.like(album.track_ids[0])
    for like in spotify.account.likes[60:70]:
        spotify.account.unlike(like.track_id)
    spotify.faults.add(method="GET", path="/me/tracks", nth=3, **fault[0])
    with pytest.raises(fault[1]):
        sync_liked_tracks(session, full=full)
    assert album.track_ids[0] in ask(LIKED_NOW)
    assert ask(EVENTS) == []
    spotify.faults.clear()
    ask("delete from ops.api_cooldowns")
    after = sync_liked_tracks(session)
    assert after.detail["why"] == "the pass before was not finished"
    assert after.removed == 10
    assert ask(LIKED_NOW) == liked(spotify)


@pytest.mark.fault(3)
@of_size(likes=2100)
def test_a_kill_during_a_full_pass_keeps_every_like_known_before(
    session: Session, spotify: RunningSandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_liked_tracks(session)

    def killed() -> None:
        raise KeyboardInterrupt

    pages = session.spotify.pages

    def some_pages(*arguments: Any, **options: Any) -> Iterator[Any]:
        for number, page in enumerate(pages(*arguments, **options)):
            yield page
            if number == 5:
                killed()

    monkeypatch.setattr(session.spotify, "pages", some_pages)
    with pytest.raises(KeyboardInterrupt):
        sync_liked_tracks(session, full=True)
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_a_like_removed_while_paging_removes_nothing_until_a_whole_pass(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[5].track_id)
    second = spotify.account.likes[20].track_id
    spotify.faults.on("GET", "/me/tracks", lambda: spotify.account.unlike(second), nth=3)
    report = sync_liked_tracks(session, full=True)
    assert "total moved" in report.detail["not_whole"]
    assert ask(EVENTS) == []
    assert sync_liked_tracks(session).removed == 2
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_a_swap_while_paging_at_equal_totals_removes_nothing(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])

    def swap() -> None:
        spotify.account.unlike(spotify.account.likes[200].track_id)
        spotify.account.like(album.track_ids[0])

    spotify.faults.on("GET", "/me/tracks", swap, nth=3)
    report = sync_liked_tracks(session, full=True)
    assert "shifted" in report.detail["not_whole"]
    assert ask(EVENTS) == []
    sync_liked_tracks(session)
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_changes_found_while_the_total_moves_are_left_to_a_full_pass(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[100].track_id)
    second = spotify.account.likes[20].track_id
    spotify.faults.on("GET", "/me/tracks", lambda: spotify.account.unlike(second), nth=2)
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "full"
    assert "total moved" in report.detail["why"]
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=120)
def test_ties_that_come_in_another_order_with_each_request_remove_nothing(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    moment = spotify.account.likes[0].added_at
    for like in spotify.account.likes:
        like.added_at = moment
    spotify.account.options.tie_order = "per_request"
    for _ in range(4):
        sync_liked_tracks(session)
    assert ask(EVENTS) == []


def test_a_second_sync_at_the_same_time_is_skipped(session: Session, ask: Ask) -> None:
    with advisory_lock(session.database, "extract:liked_tracks", wait=False):
        report = sync_liked_tracks(session)
    assert report.detail["pass"] == "skipped"
    assert report.calls == 0
    assert sync_liked_tracks(session).rows > 0


@of_size(likes=430)
def test_a_week_after_the_last_one_a_full_pass_is_made(session: Session, ask: Ask) -> None:
    assert sync_liked_tracks(session).detail["why"] == "it is the first"
    assert sync_liked_tracks(session).calls == 1
    ask("""
        update ops.source_checks
        set detail = jsonb_set(detail, '{full_at}', to_jsonb(now() - interval '9 days'))
    """)
    report = sync_liked_tracks(session)
    assert (report.calls, report.detail["why"]) == (9, "the last one is over a week old")
    assert sync_liked_tracks(session).calls == 1


@of_size(likes=430)
def test_likes_in_no_order_of_time_are_listed_in_full_each_time(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    random.Random(3).shuffle(spotify.account.likes)
    sync_liked_tracks(session)
    spotify.account.likes[:] = [
        like for like in spotify.account.likes if like is not spotify.account.likes[17]
    ]
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "full"
    assert "order" in report.detail["why"]
    assert ask(LIKED_NOW) == liked(spotify)
