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
# what changes no relation of the warehouse needs no turn
READING = {"clean", "compile", "debug", "deps", "docs", "init", "list", "ls", "parse", "show", "source"}


@dataclass(frozen=True)
class BuildLock:
    """The right to build, held by a database connection: `backend_pid` is its pid on the server."""

    backend_pid: int

    def environment(self) -> dict[str, str]:
        """Return what tells the dbt project that the lock is held on its behalf."""
        return {"TRACKER_BUILD_PID": str(self.backend_pid)}


def environment(settings: Settings, database: Database) -> dict[str, str]:
    """Return the variables that dbt needs beside the ordinary ones. The password is among them."""
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
    """Hold the right to build. None: another build holds it (now, or with `wait` still after `timeout_s`)."""
    with held_lock(database, LOCK, wait=wait, timeout_s=timeout_s) as backend_pid:
        yield None if backend_pid is None else BuildLock(backend_pid)


def run(arguments: Sequence[str], settings: Settings, database: Database) -> int:
    """Run dbt as a child process, after other builds; return its exit status.

    Raises TrackerError where another build does not end in time.
    """
    with target_folder(settings) as target:
        variables = _variables(settings, database, target)
        if _is_reading(arguments):
            return _run(arguments, variables)
        with _turn(database) as lock:
            return _run(arguments, {**variables, **lock.environment()})


def output_of(
    arguments: Sequence[str],
    settings: Settings,
    database: Database,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a dbt command that changes nothing (compile, show, parse); return what it printed.

    `variables` are added to its environment. Raises TrackerError with dbt's own words where it fails.
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
    """Yield a target folder for this process alone: two dbt processes in one overwrite each other's files.

    Folders are used again, so that dbt finds what it parsed last time.
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
    """Return where dbt writes its logs."""
    return settings.tracker_home / "dbt" / "logs"


@contextmanager
def _turn(database: Database) -> Iterator[BuildLock]:
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
