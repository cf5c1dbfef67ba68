"""What somebody should hear of becomes an event, and only that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from flows import listening
from flows.listening import track_plays
from flows.run import events
from flows.run.recorded_run import recorded_flow_run
from profiles.clock import real_now
from profiles.errors import Deferred, SpotifyUnavailable
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session

    Ask = Callable[..., list[Any]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the events."""
    names: list[str] = []
    monkeypatch.setattr(events, "emit_event", lambda event, **_: names.append(event))
    return names


def test_a_failed_run_is_an_event(session: Session, told: list[str]) -> None:
    def fail() -> None:
        raise SpotifyUnavailable("away")

    with recorded_flow_run("sync-likes") as run:
        run.step("likes", fail)
    assert told == [events.RUN_FAILED]


def test_a_quota_stop_is_an_event(session: Session, told: list[str]) -> None:
    def defer() -> None:
        raise Deferred("library", real_now())

    with recorded_flow_run("sync-likes") as run:
        run.step("likes", defer)
    assert told == [events.QUOTA_STOPPED]


def test_a_run_that_went_well_is_none(session: Session, told: list[str]) -> None:
    with recorded_flow_run("sync-likes") as run:
        run.step("likes", lambda: "done")
    assert told == []


@pytest.mark.usefixtures("prefect_server")
def test_a_suspected_gap_is_an_event(
    session: Session, spotify: Any, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "build_step", lambda *_, **__: "built")
    track_plays(return_state=True)
    for _ in range(60):
        spotify.account.play(spotify.account.likes[0].track_id)
    spotify.account.mark_stored()
    track_plays(return_state=True)
    assert told == [events.GAP_SUSPECTED]


@pytest.mark.parametrize(("age_days", "expected"), [(10, []), (170, [events.SIGN_IN_ENDS])])
def test_a_sign_in_near_its_end_is_an_event(
    session: Session, told: list[str], ask: Ask, age_days: int, expected: list[str]
) -> None:
    session.spotify.get("me")
    ask("update ops.tokens set authorized_at = %s", real_now() - timedelta(days=age_days))
    events.tell_of_sign_in(load_settings(), session.database, "daily-sync")
    assert told == expected
