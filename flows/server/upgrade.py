"""A backup before the first `tracker up` of another version: what follows changes schemas and tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from profiles.database import embedded, locate
from profiles.database.backup import backup
from profiles.errors import DatabaseUnavailable, TrackerError
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from profiles.database import Database
    from profiles.settings import Settings

# what decides how tables look and what is in them
DATA_FILES = ("requirements.txt", "profiles/ops.sql", "extract/**/*.py", "dbt_project/**/*.sql")


def back_up_before(settings: Settings, mark: Path, tell: Callable[[str], None]) -> None:
    """Back up if the code that writes to the database is not the one of the last `up`.

    `mark` is the file that remembers it. A backup that cannot be made is said and does not keep the tracker
    from starting: an upgrade deletes nothing, a tracker that stands still loses plays.
    """
    version = data_version()
    if mark.exists() and mark.read_text(encoding="utf-8") == version:
        return
    database = locate(settings)
    if _has_data(settings, database):
        tell("backup     another version than last time: a backup first …")
        try:
            done = backup(settings, database)
        except TrackerError as error:
            tell(f"backup     none was made: {error}")
        else:
            tell(f"backup     {done.file}")
    mark.write_text(version, encoding="utf-8")


def data_version() -> str:
    """Return what changes when the code that decides on our tables does."""
    files = [file for pattern in DATA_FILES for file in sorted(REPOSITORY.glob(pattern))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _has_data(settings: Settings, database: Database) -> bool:
    if database.is_embedded:
        if not embedded.is_made(settings.tracker_home):
            return False
        embedded.ensure_running(settings.tracker_home)
    try:
        return database.relation_exists("ops.applied_schemas")
    except DatabaseUnavailable:  # the next step says what is wrong with it
        return False
