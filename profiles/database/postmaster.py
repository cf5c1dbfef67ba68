"""Finds our PostgreSQL processes, and the folder on which each of them runs.

A folder may be deleted, moved or copied while its server runs. The process goes on with the folder on which
it was started, wherever that is now. When it ends, it removes the socket path that it was started with.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 15.0
DELETED = " (deleted)"  # what Linux adds to the path of a folder that is gone


def socket_option(sockets: Path) -> str:
    """Return the server parameter with the socket's folder. A server that has it is ours."""
    quoted = '"' + str(sockets).replace('"', '""') + '"'  # else a comma would end the name
    return f"unix_socket_directories={quoted}"


def running_on(data: Path) -> psutil.Process | None:
    """Return the process that the folder records as its server, None if it does not run on this folder."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        is_ours = process.name() == "postgres" and _is_on(process, data)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def started_for(sockets: Path) -> Iterator[psutil.Process]:
    """Yield the server processes that we started for this socket folder."""
    option = socket_option(sockets)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_server = process.name() == "postgres" and option in process.cmdline()
            if is_server and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def folder_of(process: psutil.Process) -> Path | None:
    """Return the folder on which a server runs, wherever it is now. None if it was deleted."""
    try:
        folder = str(Path(f"/proc/{process.pid}/cwd").readlink())
    except FileNotFoundError:  # no Linux
        folder = process.cwd()
    if folder.endswith(DELETED) and not Path(folder).exists():
        return None
    return Path(folder) if Path(folder).exists() else None


def end_orphans(sockets: Path) -> int:
    """End our servers whose folder was deleted, and return how many there were. They have nothing to save."""
    orphans = [process for process in started_for(sockets) if folder_of(process) is None]
    for process in orphans:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)
    _, stubborn = psutil.wait_procs(orphans, timeout=PATIENCE_S)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=PATIENCE_S)
    return len(orphans)


def _is_on(process: psutil.Process, data: Path) -> bool:
    folder = folder_of(process)
    return folder is not None and folder.samefile(data)
