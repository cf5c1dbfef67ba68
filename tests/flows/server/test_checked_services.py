"""What the doctor hears of the services, from real pid files and a server that answers as told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from flows.server import checked_services, processes
from flows.server.layout import Services
from profiles.settings import load_settings
from tests.support.scripted_server import Answer, scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.scripted_server import Scripted

WAITER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def script(tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """The Prefect server's answers."""
    with scripted_server() as script:
        monkeypatch.setenv("TRACKER_UI_PORT", str(script.port))
        yield script


@pytest.fixture
def parts(script: Scripted, tracker_home: Path) -> Iterator[Services]:
    """Processes that stand for server, worker and watchdog."""
    parts = Services(load_settings())
    files = (parts.server_file, parts.worker_file, parts.watchdog_file)
    running = [
        processes.start(
            WAITER, file=file, log=file.with_suffix(".log"), environment={}, folder=tracker_home, facts={}
        )
        for file in files
    ]
    yield parts
    processes.stop(running, patience_s=10)


def deployment(name: str, *, is_active: bool = True) -> dict[str, Any]:
    return {"name": name, "paused": False, "schedules": [{"active": is_active}]}


def said(parts: Services) -> list[tuple[str, str, str]]:
    found = checked_services.findings(parts.settings)
    return [(each.subject, each.state, each.message) for each in found if "reboot" not in each.message]


def test_a_healthy_instance_has_its_flows_planned(script: Scripted, parts: Services) -> None:
    script.say(Answer(body=[deployment("track-plays"), deployment("backup")]))
    assert said(parts) == [("schedules", "ok", "2 flows are planned")]


def test_a_part_that_died_and_was_not_brought_back_is_a_failure(script: Scripted, parts: Services) -> None:
    script.say(Answer(body=[deployment("track-plays")]))
    parts.worker_file.unlink()
    assert said(parts)[0] == ("services", "failed", "not running: worker")


def test_polls_that_are_paused_or_gone_are_a_failure(script: Scripted, parts: Services) -> None:
    script.say(
        Answer(body=[deployment("track-plays", is_active=False), deployment("backup", is_active=False)])
    )
    assert said(parts)[:2] == [
        ("schedules", "failed", "track-plays is paused"),
        ("schedules", "note", "backup is paused"),
    ]
    script.say(Answer(body=[]))
    assert said(parts) == [("schedules", "failed", "track-plays is not on schedule: plays are not polled")]


def test_a_server_that_refuses_is_named(script: Scripted, parts: Services) -> None:
    script.say(Answer(401))
    [(subject, state, message)] = said(parts)
    assert (subject, state, "status 401" in message) == ("services", "failed", True)
