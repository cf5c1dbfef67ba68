"""How a run goes: alone, step by step, truthfully recorded. No Prefect server is needed for any of it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from extract.report import LoadReport, PollReport
from flows.run import recorded_run
from flows.run.recorded_run import Run, recorded_flow_run
from profiles import run_log
from profiles.database import advisory_lock
from profiles.errors import Deferred, SettingsError, SpotifyUnavailable
from profiles.recorded_run import Overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.database import Database
    from profiles.session import Session

UNTIL = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event would start a Prefect server; what is told has tests of its own."""
    monkeypatch.setattr("flows.run.events.emit_event", lambda *_, **__: None)


def fail(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_a_failing_step_does_not_stop_the_next_one_and_the_end_names_it(database: Database) -> None:
    run = Run("daily-sync", database)
    assert run.step("albums", fail(SpotifyUnavailable("Spotify answers 503."))) is None
    assert run.step("likes", lambda: LoadReport("liked_tracks", 3, 1, 2)) is not None
    assert run.state.is_failed()
    assert "albums failed: Spotify answers 503." in run.message
    assert "likes: 3 rows, 1 removed, 2 calls" in run.message
    assert run.calls == 2


def test_a_quota_stop_ends_as_a_completed_state_named_deferred(database: Database) -> None:
    run = Run("daily-sync", database)
    run.step("likes", fail(Deferred("library", UNTIL)))
    assert run.state.is_completed()
    assert recorded_run.outcome_of(run.state) == recorded_run.DEFERRED
    assert "2026-11-22 19:30 UTC" in (run.state.message or "")


def test_a_failure_weighs_more_than_a_deferral_and_both_are_named(database: Database) -> None:
    run = Run("daily-sync", database)
    run.step("likes", fail(Deferred("library", UNTIL)))
    run.step("build", fail(ValueError("no such model")))
    assert run.outcome == "failed"
    assert "build failed: no such model" in run.message
    assert "likes deferred:" in run.message


def test_bad_input_has_a_state_of_its_own(database: Database) -> None:
    run = Run("update-playlists", database)
    run.step("push", fail(SettingsError("There is no playlist 'x'.")))
    assert (run.state.is_failed(), recorded_run.outcome_of(run.state)) == (True, recorded_run.BAD_INPUT)


def test_a_report_of_a_poll_is_told_in_words() -> None:
    assert PollReport("new", 50, 3, gap_suspected=False, calls=1).summary == "3 new of 50 plays, 1 calls"


def test_the_line_of_a_sync_tells_what_was_not_stored() -> None:
    detail = {"quarantined": ["t1: bad time", "t2: bad time"], "without_id": 1}
    assert LoadReport("liked_tracks", 5, 0, 2, detail).summary == (
        "5 rows, 3 not stored (2 refused, see ops.quarantined_rows; 1 without an id), 2 calls"
    )
    assert PollReport("new", 50, 2, gap_suspected=False, calls=1, refused=1).summary == (
        "2 new of 50 plays, 1 not stored (1 refused, see ops.quarantined_rows), 1 calls"
    )


def test_a_run_under_way_makes_the_next_one_skip(session: Session, ask: Callable[..., list[Any]]) -> None:
    called: list[str] = []
    with (
        advisory_lock(session.database, "flow:track-plays", wait=False),
        recorded_flow_run("track-plays", overlap=Overlap.SKIP) as run,
    ):
        run.step("poll", lambda: called.append("polled"))
    assert called == []
    assert run.state.is_completed()
    assert recorded_run.outcome_of(run.state) == recorded_run.SKIPPED
    assert ask("select count(*) from ops.runs") == [0]


def test_a_run_and_its_lines_are_kept(session: Session, ask: Callable[..., list[Any]]) -> None:
    with recorded_flow_run("sync-likes", full=True) as run:
        run.step("likes", lambda: LoadReport("liked_tracks", 1, 0, 4))
    row = ask("select flow, state, calls, parameters, finished_at is not null from ops.runs")
    assert row == [("sync-likes", "completed", 4, {"full": True}, True)]
    assert "likes: 1 rows, 4 calls" in ask("select message from ops.logs order by log_id")[1]


def test_no_secret_reaches_the_logs(session: Session, ask: Callable[..., list[Any]]) -> None:
    assert session.settings.spotify_client_secret is not None
    secret = session.settings.spotify_client_secret.get_secret_value()
    with recorded_flow_run("sync-likes") as run:
        logging.getLogger("flows.test").info("sent %s and Bearer abcdef123456", secret)
        run.step("likes", fail(ValueError(f"refused: {secret}")))
    written = " ".join(ask("select message from ops.logs") + ask("select message from ops.runs"))
    assert "sent" in written
    assert secret not in written
    assert "abcdef123456" not in written


def test_an_exception_outside_a_step_is_recorded_and_goes_on(
    session: Session, ask: Callable[..., list[Any]]
) -> None:
    with pytest.raises(ZeroDivisionError), recorded_flow_run("daily-sync"):
        _ = 1 // 0
    assert ask("select state from ops.runs") == ["failed"]


def test_a_killed_run_is_noticed_by_the_next_one(session: Session, ask: Callable[..., list[Any]]) -> None:
    run_log.begin(session.database, uuid4(), "track-plays", {})
    with recorded_flow_run("track-plays") as run:
        assert run.follows_a_crash
    assert ask("select state from ops.runs order by started_at") == ["crashed", "completed"]
    with recorded_flow_run("track-plays") as run:
        assert not run.follows_a_crash


def test_a_run_that_was_due_before_a_later_one_did_its_work_is_skipped(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue = datetime.now(UTC) - timedelta(hours=3)
    with recorded_flow_run("daily-sync"):
        pass
    monkeypatch.setattr(recorded_run, "_identity", lambda: (uuid4(), overdue))
    with recorded_flow_run("daily-sync") as run:
        assert run.is_skipped
    monkeypatch.setattr(
        recorded_run, "_identity", lambda: (uuid4(), datetime.now(UTC) + timedelta(seconds=1))
    )
    with recorded_flow_run("daily-sync") as run:
        assert not run.is_skipped


def test_old_lines_are_deleted_and_young_ones_stay(session: Session, ask: Callable[..., list[Any]]) -> None:
    ask("""
        insert into ops.logs (logged_at, level, logger, message)
        values (now() - interval '91 days', '', '', 'old'), (now() - interval '89 days', '', '', 'young')
    """)
    run_log.prune(session.database)
    assert ask("select message from ops.logs") == ["young"]
