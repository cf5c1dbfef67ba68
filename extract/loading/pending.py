"""Where dlt's working folders are, and whether one may hold rows that were fetched and not loaded yet.

Answered from the names of files: importing dlt takes seconds, and most polls load nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from profiles.damage import MARK, damage_of_dlt_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from extract.loading.tables import TableGroup
    from profiles.database import Database
    from profiles.settings import Settings

PACKAGE_FOLDERS = ("normalize/extracted", "load/normalized")
"""Folders of a working folder that hold packages of rows to load."""
CARRIED_OVER = "carried_over"
"""A file of this name marks a folder that was set aside and whose rows were carried over."""


def pipelines_folder(settings: Settings, database: Database) -> Path:
    """Return the folder of all working folders, one per database: a package belongs to one database."""
    address = hashlib.sha256(f"{database.host}:{database.port}/{database.name}".encode()).hexdigest()[:12]
    return settings.tracker_home / "dlt" / address


def working_folder(settings: Settings, database: Database, group: TableGroup) -> Path:
    """Return the working folder of the group's pipeline."""
    return pipelines_folder(settings, database) / group.pipeline_name


def may_hold_rows(folder: Path) -> bool:
    """Whether a working folder, or one set aside from its place, may hold rows to load. True if damaged."""
    try:
        if any(folders_set_aside(folder)) or any(parent.is_file() for parent in folder.parents):
            return True
        if not folder.exists():
            return False
        return damage_of_dlt_folder(folder) is not None or any(
            _holds_packages(folder / place) for place in PACKAGE_FOLDERS
        )
    except OSError:
        return True


def _holds_packages(place: Path) -> bool:
    if place.is_dir():
        return any(place.iterdir())
    return place.exists() or place.parent.is_file()


def folders_set_aside(folder: Path) -> Iterator[Path]:
    """Yield the damaged folders that once stood in this place and may still hold rows."""
    for aside in sorted(folder.parent.glob(f"{folder.name}{MARK}*")):
        if aside.is_dir() and not (aside / CARRIED_OVER).exists():
            yield aside
