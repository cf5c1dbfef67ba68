"""The folder of the embedded database's Unix socket: ours alone, because whoever owns it is the database."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from pathlib import Path

from profiles.errors import DatabaseUnavailable

LONGEST_SOCKET_PATH = 100  # Linux allows 107 bytes, macOS 103
SHARED = Path("/tmp")  # noqa: S108  # its dangers are what this file is about
SERVER_ACCOUNT = "pgserver"  # of the server, where we are root


def folder_of(data: Path, port: int) -> Path:
    """Return the data folder itself, or one in /tmp if the socket's path would be too long there."""
    if len(os.fsencode(data / f".s.PGSQL.{port}")) <= LONGEST_SOCKET_PATH:
        return data
    return SHARED / f"tracker-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def make(folder: Path, data: Path) -> None:
    """Make the folder, unless it is there; as root give it to the server. Raises DatabaseUnavailable."""
    if folder == data:
        return
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        require_ours(folder)
        return
    if os.geteuid() == 0:
        owner = data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)


def require_ours(folder: Path) -> None:
    """Raise DatabaseUnavailable if another user could stand in for our database in this folder.

    In /tmp everybody could have made it, because its name can be foreseen. So it must be a folder, no link,
    of our user (or of the server's, if we are root), and closed to everybody else. A missing one is safe.
    """
    if folder.parent != SHARED:
        return
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    ours = {os.geteuid()}
    if os.geteuid() == 0:
        ours |= {account.pw_uid for account in pwd.getpwall() if account.pw_name == SERVER_ACCOUNT}
    if not stat.S_ISDIR(found.st_mode):
        why = "is no folder"
    elif found.st_uid not in ours:
        why = "belongs to another user"
    elif found.st_mode & 0o077:
        why = "is open to other users"
    else:
        return
    raise DatabaseUnavailable(
        f"{folder}, the folder for the database's socket, {why}: somebody else could answer there in the"
        " database's place. Nothing was sent there.",
        remedy="Remove it if you made it, or choose a shorter TRACKER_HOME, which needs no such folder.",
    )
