"""Replaces damaged working folders of dlt, and carries over the rows that they had not loaded yet.

A working folder contains dlt's state and schema, which can be made again, and load packages: rows that were
fetched and not loaded yet. Plays among them can never be fetched again once Spotify shows fifty later ones.
So a damaged folder is renamed, never deleted, and every readable file of rows in it is moved into the new
folder.
"""

from __future__ import annotations

import errno
import gzip
import json
import logging
import os
import shutil
import zlib
from typing import TYPE_CHECKING

from dlt.common.schema import Schema

from extract.loading.pending import CARRIED_OVER, PACKAGE_FOLDERS, folders_set_aside
from profiles.damage import set_aside
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import dlt

logger = logging.getLogger(__name__)

STATE = "state.json"
SCHEMA = "schema.json"
SCHEMA_UPDATES = "schema_updates.json"
JOB_FOLDERS = ("new_jobs", "started_jobs", "completed_jobs", "failed_jobs")

# troubles of the machine, which a new folder would have as well
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class WorkingFolderError(TrackerError):
    """dlt's folder can neither be used nor renamed: the disk is full, or permissions are missing."""


def open_pipeline(folder: Path, make: Callable[[], dlt.Pipeline]) -> dlt.Pipeline:
    """Make the pipeline that works in `folder`. A damaged folder is set aside and replaced by a new one.

    Raises WorkingFolderError, and what `make` raises for other reasons; then the folder is as it was.
    """
    _set_aside_obstacle(folder)
    try:
        _refuse_missing_state(folder)
        pipeline = make()
        _read_all(pipeline, folder)
    except Exception as error:  # dlt trusts its files: a damaged one may raise anything
        return _make_in_new_folder(folder, make, error)
    return pipeline


def carry_over(folder: Path, schema: Schema) -> None:
    """Move the readable packages of folders that were set aside into the new folder, to be loaded.

    A package whose own schema cannot be read gets `schema`, the one of the new folder.
    """
    for aside in folders_set_aside(folder):
        for place in PACKAGE_FOLDERS:
            for package in sorted(path for path in (aside / place).glob("*") if path.is_dir()):
                _carry_package(package, folder / place / package.name, schema)
        (aside / CARRIED_OVER).touch()


def unreadable_jobs(package: Path) -> list[Path]:
    """Return the files of rows in a load package that cannot be read to their end."""
    jobs = [file for place in JOB_FOLDERS for file in (package / place).glob("*")]
    return [file for file in jobs if not _is_readable(file)]


def _set_aside_obstacle(folder: Path) -> None:
    """Set aside whatever is in the place of the folder, or of one around it, and cannot be entered."""
    for each in (folder.parent.parent, folder.parent, folder):
        if each.exists() and not (each.is_dir() and os.access(each, os.R_OK | os.W_OK | os.X_OK)):
            _set_aside(each, "it is no folder that can be entered")
            return


def _make_in_new_folder(folder: Path, make: Callable[[], dlt.Pipeline], error: Exception) -> dlt.Pipeline:
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        raise WorkingFolderError(
            f"dlt cannot work in {folder}: {error.strerror}.",
            remedy="Make room, or make the disk writable, and run it again.",
        ) from None
    if not folder.exists():
        raise error
    aside = _set_aside(folder, _brief(error))
    try:
        return make()
    except BaseException:  # then the first attempt did not fail because of the folder
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
        raise


def _set_aside(path: Path, reason: str) -> Path:
    try:
        aside = set_aside(path)
    except OSError as error:
        raise WorkingFolderError(
            f"{path} is damaged ({reason}) and cannot be renamed: {error.strerror}.",
            remedy=f"Rename it, or let this user write to {path.parent}.",
        ) from None
    logger.warning(
        "dlt's folder %s was damaged (%s); it was set aside as %s, and the work goes on with a fresh one",
        path,
        reason,
        aside.name,
    )
    return aside


def _refuse_missing_state(folder: Path) -> None:
    # without this file dlt takes the folder for a new one and deletes everything in it
    if folder.is_dir() and any(folder.iterdir()) and not (folder / STATE).is_file():
        raise FileNotFoundError(f"{STATE} is missing")


def _read_all(pipeline: dlt.Pipeline, folder: Path) -> None:
    """Read whatever a run of this pipeline will read. Raises what reading raises."""
    for part in (folder / name for name in ("load", "normalize", "schemas")):
        if part.exists() and not part.is_dir():
            raise ValueError(f"{part.name} is no folder")
    for name in pipeline.schema_names:
        schema = pipeline.schemas[name]
        if schema.version_table_name not in schema.tables:
            raise ValueError(f"the schema '{name}' has lost its tables")
    for load_id in (*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()):
        pipeline.get_load_package_info(load_id)
    for place in PACKAGE_FOLDERS:
        for package in (folder / place).glob("*"):
            _schema_in(package / SCHEMA)
            for file in package.glob("*.json"):
                json.loads(file.read_bytes())
            if unreadable := unreadable_jobs(package):
                raise ValueError(f"{unreadable[0].name} cannot be read to its end")


def _carry_package(package: Path, target: Path, schema: Schema) -> None:
    unreadable = unreadable_jobs(package)
    for file in unreadable:
        logger.warning(
            "%s in %s cannot be read to its end: it stays there, and its rows are missing until they are"
            " fetched or imported again",
            file.name,
            package,
        )
    jobs = [file for place in JOB_FOLDERS for file in (package / place).glob("*") if file not in unreadable]
    if not jobs:
        return
    for place in JOB_FOLDERS:
        (target / place).mkdir(parents=True, exist_ok=True)
    for file in _readable_notes(package):
        file.rename(target / file.name)
    if not (target / SCHEMA).exists():
        (target / SCHEMA).write_text(json.dumps(schema.to_dict(), default=str), encoding="utf-8")
    if not any(target.glob("*schema_updates.json")):
        (target / SCHEMA_UPDATES).write_text("{}", encoding="utf-8")
    for file in jobs:
        file.rename(target / file.parent.name / file.name)
    logger.warning("%d files of rows that were not loaded yet were taken over from %s", len(jobs), package)


def _readable_notes(package: Path) -> Iterator[Path]:
    """The files in which dlt notes the tables of a package, as far as they can be read."""
    for file in (package / SCHEMA, *package.glob("*schema_updates.json")):
        try:
            if file.name == SCHEMA:
                _schema_in(file)
            else:
                json.loads(file.read_bytes())
        except Exception:  # noqa: S112  # a damaged file may raise anything; it is written anew
            continue
        yield file


def _schema_in(file: Path) -> Schema:
    return Schema.from_dict(json.loads(file.read_bytes()))


def _is_readable(file: Path) -> bool:
    """Whether a file of rows can be read and is complete: a cut one lacks the characters of its end."""
    if not file.is_file() or not file.stat().st_size:
        return False
    tail, kind = "", file.name.removesuffix(".gz").rpartition(".")[2]
    try:
        with (gzip.open if file.name.endswith(".gz") else open)(file, "rt", encoding="utf-8") as rows:
            while part := rows.read(1 << 20):
                tail = (tail + part)[-100:]
    except (OSError, EOFError, ValueError, zlib.error):
        return False
    ends = {"insert_values": ";", "typed-jsonl": "]", "csv": "\n"}
    return not tail or tail.rstrip(" " if kind == "csv" else None).endswith(ends.get(kind, ""))


def _brief(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
