"""What `tracker up` asks a server that has just been started, and may not be ready yet."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.server import prefect_api
from flows.server.environment import free_port
from flows.server.prefect_api import ServerError, ServerUnavailable, ask, is_worker_online, settle_runs
from tests.support.scripted_server import Answer, Scripted, scripted_server

AT_FIRST = (Answer(503), Answer(502, body="<html>"), Answer(is_dropped=True), Answer(504), Answer(503))


def url_of(script: Scripted) -> str:
    return f"http://127.0.0.1:{script.port}/api"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_api, "LONGEST_PAUSE_S", 0.01)


def test_a_server_that_is_not_ready_yet_is_asked_again() -> None:
    with scripted_server() as script:
        script.say(*AT_FIRST, Answer(body={"id": 1}))
        assert ask(url_of(script), "GET", "flow_runs/1") == {"id": 1}
        assert len(script.asked) == len(AT_FIRST) + 1


def test_every_question_of_a_start_waits_for_the_server() -> None:
    with scripted_server() as script:
        script.say(*AT_FIRST, Answer(body=[]))
        settle_runs(url_of(script))
        script.say(*AT_FIRST, Answer(body=[]))
        assert not is_worker_online(url_of(script), "tracker", "this machine", since=datetime.now(UTC))


def test_a_server_that_does_not_listen_yet_is_asked_again() -> None:
    port = free_port()
    with ExitStack() as stack:

        def start_server(_: float) -> None:
            script = stack.enter_context(scripted_server(port))
            script.say(Answer(body=[1]))

        assert ask(f"http://127.0.0.1:{port}/api", "GET", "x", sleep=start_server) == [1]


def test_patience_ends_and_says_what_the_server_answered() -> None:
    with scripted_server() as script:
        script.say(Answer(503))
        with pytest.raises(ServerUnavailable, match="503"):
            ask(url_of(script), "GET", "x", patience_s=0)
    with pytest.raises(ServerUnavailable, match="refused"):
        ask(f"http://127.0.0.1:{free_port()}/api", "GET", "x", patience_s=0)


def test_what_the_server_refuses_is_not_asked_again() -> None:
    with scripted_server() as script:
        script.say(Answer(404))
        with pytest.raises(ServerError, match="404"):
            ask(url_of(script), "GET", "x")
        assert len(script.asked) == 1


def test_a_run_that_the_server_does_not_let_go_keeps_nothing_from_starting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = {
        "id": "gone",
        "auto_scheduled": True,
        "deployment_id": "a",
        "expected_start_time": "2026-01-01T00:00Z",
    }
    with scripted_server() as script:
        script.say(Answer(body=[run]), Answer(404), Answer(body=[]))
        assert settle_runs(url_of(script)) == ["gone"]
    assert "does not do POST flow_runs/gone/set_state (status 404)" in caplog.text


def test_a_server_that_wants_a_token_against_forged_forms_is_given_one() -> None:
    with scripted_server() as script:
        script.say(Answer(403), Answer(body={"token": "t"}), Answer(body=[1]))
        assert ask(url_of(script), "POST", "x/filter", {}) == [1]
        assert ask(url_of(script), "POST", "x/filter", {}) == [1]
        paths = [path.split("?")[0].removeprefix("/api/") for _, path, _ in script.asked]
    assert paths == ["x/filter", "csrf-token", "x/filter", "x/filter"]


def overdue_run(deployment: str, minutes_ago: int, *, is_scheduled: bool = True) -> dict[str, Any]:
    due = datetime(2026, 11, 22, 12, tzinfo=UTC) - timedelta(minutes=minutes_ago)
    return {
        "id": f"{deployment}-{minutes_ago}",
        "deployment_id": deployment,
        "auto_scheduled": is_scheduled,
        "expected_start_time": due.isoformat(),
    }


def test_of_the_runs_missed_meanwhile_the_latest_of_each_deployment_stays() -> None:
    runs = [overdue_run("poll", minutes) for minutes in (30, 20, 10, 0)]
    runs += [overdue_run("daily", 300), overdue_run("poll", 40, is_scheduled=False)]
    dropped = prefect_api.superseded(runs, datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert [run["id"] for run in dropped] == ["poll-30", "poll-20"]
