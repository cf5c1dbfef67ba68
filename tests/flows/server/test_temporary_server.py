"""The Prefect server of a command without `tracker up` ends with that command, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from flows.server import processes
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
from flows.server.environment import prefect_server
from profiles.errors import TrackerError
from profiles.settings import load_settings
try:
    with prefect_server(load_settings()):
        print("started", flush=True)
        input()
except TrackerError as error:
    print(error, flush=True)
"""


def start_command(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        cwd=REPOSITORY,
        env={**os.environ, "TRACKER_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def servers(home: Path) -> list[psutil.Process]:
    """The servers that keep their state below this home."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_server = "flows.server.temporary_server" in process.cmdline() or "uvicorn" in process.cmdline()
            if is_server and process.environ().get("PREFECT_HOME", "").startswith(str(home)):
                found.append(process)
    return [process for process in found if not processes.has_ended(process)]


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system on which files can be made, and nothing can be written."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tracker-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small file system, and not in every container")
    try:
        with suppress(OSError), (place / "filling").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_start_that_fails_on_a_full_disk_leaves_no_server(full_disk: Path) -> None:
    with start_command(full_disk) as command:
        said, _ = command.communicate(timeout=60)
    assert "cannot be started" in said
    assert "No space left on device" in said
    assert servers(full_disk) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_of_a_command_that_is_killed_ends_with_it(tmp_path: Path, how: signal.Signals) -> None:
    with start_command(tmp_path) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "started\n"
        [server] = servers(tmp_path)
        command.send_signal(how)
        command.wait(timeout=60)
    assert processes.wait_until(lambda: processes.has_ended(server), timeout_s=30)


def test_two_commands_at_once_have_a_server_each(tmp_path: Path) -> None:
    with start_command(tmp_path) as first, start_command(tmp_path) as second:
        for command in (first, second):
            assert command.stdout is not None
            assert command.stdout.readline() == "started\n"
        assert len(servers(tmp_path)) == 2
        for command in (first, second):
            command.communicate("\n", timeout=60)
    assert servers(tmp_path) == []
    assert [folder.name for folder in tmp_path.iterdir()] == ["prefect-temporary"]
