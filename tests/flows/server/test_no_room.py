"""A home that cannot be written to: a sentence, the exit status, nothing left running."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from flows.server.processes import OWNER_VARIABLE
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A small disk of its own."""
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def ended(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TRACKER_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def left_running(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(OWNER_VARIABLE) == str(home) or str(home) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize(
    ("options", "why"), [("size=1m", "No space left on device"), ("ro", "Read-only file system")]
)
@pytest.mark.parametrize("command", [["flows", "up"], ["flows", "sync", "likes"]])
def test_a_home_without_room_is_said_in_a_sentence(
    tmp_path: Path, options: str, why: str, command: list[str]
) -> None:
    with disk(tmp_path / "disk", options) as home:
        done = ended(command, home)
        assert done.returncode == 1
        assert why in done.stderr
        assert "Traceback" not in done.stderr + done.stdout
        assert left_running(home) == []
