"""Finds and runs pg_dump and pg_restore of the server's version.

Passwords go by environment, never as arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.database import embedded
from profiles.errors import TrackerError
from profiles.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from profiles.database import Database

# even a large dump takes about an hour; a program that runs longer than this hangs
LONGEST_RUN_S = 4 * 3600
LONGEST_ERROR_TEXT = 800
# variables that libpq may need to find certificates and its password file
KEPT_VARIABLES = ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "SYSTEMROOT")


class ProgramFailed(TrackerError):
    """pg_dump or pg_restore is missing, or ended with an error."""


def server_version(database: Database) -> int:
    """Return the server's major version, e.g. 18."""
    with closing(database.connect(autocommit=True)) as connection:
        return int(connection.server_version) // 10_000


def find_program(name: str, server_major: int) -> Path:
    """Return `pg_dump` or `pg_restore` of exactly the server's version, else of the next newer one.

    An older pg_dump refuses a newer server. A much newer one writes settings that an older server does not
    know, so the nearest version is chosen. Raises ProgramFailed, which names the versions found.
    """
    found: dict[int, Path] = {}
    for candidate in _candidates(name):
        version = major_version(candidate)
        if version is not None:
            found.setdefault(version, candidate)
    suitable = [version for version in found if version >= server_major]
    if not suitable:
        seen = ", ".join(map(str, sorted(found))) or "none"
        raise ProgramFailed(
            f"{name} of PostgreSQL {server_major} or newer is needed for this server; found: {seen}.",
            remedy=f"Install the client programs of PostgreSQL {server_major} so that {name} is on the PATH.",
        )
    return found[min(suitable)]


def run_program(program: Path, arguments: Sequence[str], database: Database) -> str:
    """Run a program on the database, and return what it printed.

    Raises ProgramFailed with its error output.
    """
    # a file, not a pipe: thousands of error lines must not block the program
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as error_output:
        try:
            done = subprocess.run(
                [str(program), *arguments],
                env=_environment(database),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=error_output,
                encoding="utf-8",
                errors="replace",
                timeout=LONGEST_RUN_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProgramFailed(f"{program.name} failed: {type(error).__name__}.") from None
        error_output.seek(0)
        text = redact(error_output.read().strip())[-LONGEST_ERROR_TEXT:]
    if done.returncode != 0:
        raise ProgramFailed(f"{program.name} failed: {text or f'status {done.returncode}'}")
    return done.stdout


def _environment(database: Database) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    address = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": database.user,
        "PGSSLMODE": database.sslmode,
        "PGAPPNAME": "spotify-tracker backup",
        "PGCONNECT_TIMEOUT": "10",
        "LC_ALL": "C",
    }
    return kept | address | ({"PGPASSWORD": database.password} if database.password else {})


def _candidates(name: str) -> Iterator[Path]:
    yield embedded.binaries() / name
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found:
            yield Path(found)
    # Debian installs every version here, and only a wrapper on the PATH
    yield from Path("/usr/lib/postgresql").glob(f"*/bin/{name}")


def major_version(program: Path) -> int | None:
    """Return the program's major version, None if it does not run."""
    try:
        output = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\) (\d+)", output)
    return int(match.group(1)) if match else None
