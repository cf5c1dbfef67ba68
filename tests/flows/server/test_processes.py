"""Processes that outlive their command: recognised, and stopped for certain."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from flows.server import processes

if TYPE_CHECKING:
    from pathlib import Path

WAITER = [sys.executable, "-c", "import sys; sys.stdin = None; import time; time.sleep(600)"]
DEAF = [
    *(sys.executable, "-u", "-c"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)",
]


def start(folder: Path, command: list[str]) -> int:
    started = processes.start(
        command,
        file=folder / "it.json",
        log=folder / "it.log",
        environment={**os.environ, processes.OWNER_VARIABLE: str(folder)},
        folder=folder,
        facts={"port": 1},
    )
    return started.pid


def test_a_started_process_is_found_again_and_stopped(tmp_path: Path) -> None:
    pid = start(tmp_path, WAITER)
    record = processes.running(tmp_path / "it.json")
    assert record is not None
    assert (record.pid, record.facts) == (pid, {"port": 1})
    process = record.process()
    assert process is not None
    processes.stop([process], patience_s=10)
    assert processes.running(tmp_path / "it.json") is None


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    start(tmp_path, DEAF)
    assert processes.wait_until(lambda: "deaf" in (tmp_path / "it.log").read_text(), timeout_s=20)
    record = processes.running(tmp_path / "it.json")
    assert record is not None
    process = record.process()
    assert process is not None
    processes.stop([process], patience_s=0.2)
    assert processes.running(tmp_path / "it.json") is None


def test_a_pid_that_another_program_has_now_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "it.json"
    file.write_text(json.dumps({"pid": os.getpid(), "started": 1000.0, "facts": {}}))
    assert processes.running(file) is None


def test_a_half_written_pid_file_is_no_process(tmp_path: Path) -> None:
    file = tmp_path / "it.json"
    file.write_text('{"pid": 12')
    assert processes.running(file) is None
    assert processes.running(tmp_path / "missing.json") is None


def test_orphans_are_ours_only_with_our_mark(tmp_path: Path) -> None:
    start(tmp_path, WAITER)
    found = processes.orphans(str(tmp_path), marks=["time.sleep(600)"])
    assert len(found) == 1
    assert processes.orphans("/another/home", marks=["time.sleep(600)"]) == []
    assert processes.orphans(str(tmp_path), marks=["prefect.engine"]) == []
    processes.stop(found, patience_s=10)
