"""Which PostgreSQL processes are ours, and on which folder each of them runs.

A folder may be deleted, moved or copied while its server runs. The process goes on with the folder that it
was started on, wherever that is now; at its end it removes the socket's path that it was started with.
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
    """Return the server parameter that names the socket's folder; it marks a server as ours."""
    quoted = '"' + str(sockets).replace('"', '""') + '"'  # else a comma would end the name
    return f"unix_socket_directories={quoted}"


def running_on(data: Path) -> psutil.Process | None:
    """Return the server's process, if the one that the folder records really runs on this folder."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        is_ours = process.name() == "postgres" and _is_on(process, data)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def started_for(sockets: Path) -> Iterator[psutil.Process]:
    """Yield the servers that were started by us to answer at these sockets."""
    option = socket_option(sockets)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_server = process.name() == "postgres" and option in process.cmdline()
            if is_server and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def folder_of(process: psutil.Process) -> Path | None:
    """Return the folder that a server runs on, wherever it lies now; None where it was deleted."""
    try:
        folder = str(Path(f"/proc/{process.pid}/cwd").readlink())
    except FileNotFoundError:  # no Linux
        folder = process.cwd()
    if folder.endswith(DELETED) and not Path(folder).exists():
        return None
    return Path(folder) if Path(folder).exists() else None


def end_orphans(sockets: Path) -> int:
    """End our servers whose folder was deleted: they have nothing to save. Returns how many there were."""
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
