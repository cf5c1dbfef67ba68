"""Processes that outlive the command that started them: recorded, recognised again, surely stopped."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

LARGEST_LOG_BYTES = 10_000_000
SAME_PROCESS_S = 2.0  # start times read at two moments differ by rounding
OWNER_VARIABLE = "TRACKER_SERVICES_OF"  # inherited by every child, so that orphans can be told from strangers


@dataclass(frozen=True)
class Record:
    """One started process, as its file tells: a pid alone may long belong to another program."""

    pid: int
    started: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    def process(self) -> psutil.Process | None:
        """Return the running process, or None where it has ended or its pid belongs to another."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) < SAME_PROCESS_S
        except psutil.Error:
            return None
        return process if is_same and not has_ended(process) else None


def read_record(file: Path) -> Record | None:
    """Return what a pid file says, or None where it is missing, half written or from another version."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Record(int(content["pid"]), float(content["started"]), content["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running(file: Path) -> Record | None:
    """Return the record of a process that still runs."""
    record = read_record(file)
    return record if record is not None and record.process() is not None else None


def start(
    command: Sequence[str],
    *,
    file: Path,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    facts: Mapping[str, Any],
    stdin: int = subprocess.DEVNULL,
) -> psutil.Process:
    """Start a process in a session of its own and write its pid file; its output goes to `log`.

    Raises OSError where one of these files cannot be written; then the process does not run.
    """
    for parent in (file.parent, log.parent):
        parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal that typed `up` must not reach it
        )
    try:
        process = psutil.Process(child.pid)
        _write_record(file, process, facts)
    except BaseException:  # whatever it was: nobody would find this process again
        child.kill()
        child.wait()
        raise
    child.returncode = 0  # it outlives us on purpose: Python need not warn that nobody waits for it
    return process


def record_own(file: Path, facts: Mapping[str, Any]) -> None:
    """Write the pid file of this process itself. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_record(file, psutil.Process(), facts)


def _write_record(file: Path, process: psutil.Process, facts: Mapping[str, Any]) -> None:
    content = {"pid": process.pid, "started": process.create_time(), "facts": dict(facts)}
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(file)  # whole or not at all, also when the power fails


def has_ended(process: psutil.Process) -> bool:
    """Say whether a process has ended, also where nobody has asked for its exit status yet."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all children of children, those with a session of their own included."""
    with suppress(psutil.Error):
        return list(process.children(recursive=True))
    return []


def orphans(owner: str, *, marks: Iterable[str]) -> list[psutil.Process]:
    """Return our processes whose parent died: they carry our variable and one of `marks` in their command."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            command = " ".join(process.cmdline())
            if any(mark in command for mark in marks) and process.environ().get(OWNER_VARIABLE) == owner:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def stop(processes: Iterable[psutil.Process], *, patience_s: float) -> None:
    """Ask processes to end, wait, then end them."""
    asked = []
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
            asked.append(process)
    _, stubborn = psutil.wait_procs(asked, timeout=patience_s)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience_s)


def wait_until(condition: Callable[[], bool], *, timeout_s: float, every_s: float = 0.1) -> bool:
    """Ask again and again until the condition holds; say whether it did in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
