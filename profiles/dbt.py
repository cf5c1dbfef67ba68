"""dbt outside Prefect: the environment it needs, one build at a time, a target folder per process."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiles.database import held_lock
from profiles.errors import TrackerError
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from profiles.database import Database
    from profiles.settings import Settings

logger = logging.getLogger(__name__)

DBT_PROJECT_DIR = REPOSITORY / "dbt_project"
PROFILES_DIR = REPOSITORY / "profiles"
LOCK = "build"
PATIENCE_S = 3600
MOST_AT_ONCE = 20
COMMAND = [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli(prog_name='dbt')"]
# commands that change no table or view need no build lock
READING = {"clean", "compile", "debug", "deps", "docs", "init", "list", "ls", "parse", "show", "source"}


@dataclass(frozen=True)
class BuildLock:
    """The lock that allows one build at a time. `backend_pid` is the server process that holds it."""

    backend_pid: int

    def environment(self) -> dict[str, str]:
        """Return the variables that tell the dbt project that this lock is held for it."""
        return {"TRACKER_BUILD_PID": str(self.backend_pid)}


def environment(settings: Settings, database: Database) -> dict[str, str]:
    """Return the environment variables that dbt needs. The database's password is one of them."""
    variables = {
        **database.environment(),
        "DBT_PROFILES_DIR": str(PROFILES_DIR),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "TRACKER_TIMEZONE": settings.tracker_timezone,
    }
    if settings.tracker_as_of is not None:
        variables["TRACKER_AS_OF"] = settings.tracker_as_of.isoformat()
    return variables


@contextmanager
def build_lock(
    database: Database, *, wait: bool, timeout_s: float | None = PATIENCE_S
) -> Iterator[BuildLock | None]:
    """Hold the build lock; yield None if another build holds it, with `wait` only after `timeout_s`."""
    with held_lock(database, LOCK, wait=wait, timeout_s=timeout_s) as backend_pid:
        yield None if backend_pid is None else BuildLock(backend_pid)


def run(arguments: Sequence[str], settings: Settings, database: Database) -> int:
    """Run dbt as a child process, and return its exit status. A build waits for other builds.

    Raises TrackerError if another build does not end in time.
    """
    with target_folder(settings) as target:
        variables = _variables(settings, database, target)
        if _is_reading(arguments):
            return _run(arguments, variables)
        with _own_build_lock(database) as lock:
            return _run(arguments, {**variables, **lock.environment()})


def output_of(
    arguments: Sequence[str],
    settings: Settings,
    database: Database,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a dbt command that changes nothing (compile, show, parse), and return what it printed.

    `variables` are added to its environment. Raises TrackerError with dbt's output if it fails.
    """
    with target_folder(settings) as target:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=DBT_PROJECT_DIR,
            env={**_variables(settings, database, target), "DBT_USE_COLORS": "false", **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-20:])
        raise TrackerError(f"dbt did not do it:\n{said}")
    return done.stdout


@contextmanager
def target_folder(settings: Settings) -> Iterator[Path]:
    """Yield a target folder that no other process uses: two dbt processes would overwrite each other's files.

    Folders are reused, so that dbt finds its partial parse. Raises TrackerError if all of them are in use.
    """
    parent = settings.tracker_home / "dbt"
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(MOST_AT_ONCE):
        folder = parent / f"target-{number}"
        with (parent / f"target-{number}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    raise TrackerError(f"{MOST_AT_ONCE} dbt processes are running already.", remedy="Wait for one to end.")


def log_folder(settings: Settings) -> Path:
    """Return the folder for dbt's logs."""
    return settings.tracker_home / "dbt" / "logs"


@contextmanager
def _own_build_lock(database: Database) -> Iterator[BuildLock]:
    with build_lock(database, wait=False) as lock:
        if lock is not None:
            yield lock
            return
    logger.info("another build is running; waiting for it to end")
    with build_lock(database, wait=True) as lock:
        if lock is None:
            raise TrackerError(
                "Another build has been running for an hour.", remedy="End it, then repeat the command."
            )
        yield lock


def _variables(settings: Settings, database: Database, target: Path) -> dict[str, str]:
    return {
        **os.environ,
        **environment(settings, database),
        "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(log_folder(settings)),
    }


def _is_reading(arguments: Sequence[str]) -> bool:
    command = next((argument for argument in arguments if not argument.startswith("-")), "help")
    return command in READING or "--help" in arguments or command == "help"


def _run(arguments: Sequence[str], variables: dict[str, str]) -> int:
    return subprocess.run([*COMMAND, *arguments], cwd=DBT_PROJECT_DIR, env=variables, check=False).returncode
