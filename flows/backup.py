"""Keep and carry: the nightly backup, and exports. `tracker restore` is the way back.

Restoring is no flow: it wants an empty database, and Prefect's runs write to it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.run.recorded_run import recorded_flow_run
from profiles.database import backup as backups
from profiles.database import open_database
from profiles.database.export import export as write_export
from profiles.recorded_run import Overlap
from profiles.settings import load_settings

if TYPE_CHECKING:
    from profiles.database.export import Format

MEGABYTE = 1_000_000


class FileFormat(StrEnum):
    """How the tables of an export are written."""

    PARQUET = "parquet"
    CSV = "csv"


def make_backup() -> str:
    """Write everything but the sign-in to TRACKER_HOME/backups; the last seven stay."""
    settings = load_settings()
    done = backups.backup(settings, open_database(settings))
    removed = f", {len(done.removed)} old ones removed" if done.removed else ""
    return f"{done.file.name}, {sum(done.rows.values())} rows, {done.size_bytes / MEGABYTE:.1f} MB{removed}"


def make_export(folder: str, file_format: FileFormat) -> str:
    """Write every table but the sign-in to a new folder."""
    format_name: Format = "csv" if file_format is FileFormat.CSV else "parquet"
    done = write_export(open_database(load_settings()), Path(folder), file_format=format_name)
    return f"{done.folder}: {len(done.rows)} tables, {sum(done.rows.values())} rows"


@flow(name="backup", flow_run_name="backup")
def backup() -> State[Any]:
    """Back the database up to TRACKER_HOME/backups, without the sign-in. The last seven backups stay."""
    with recorded_flow_run("backup", overlap=Overlap.SKIP) as run:
        run.step("backup", make_backup)
    return run.state


@flow(name="export", flow_run_name="export to {folder}")
def export(folder: str, file_format: FileFormat = FileFormat.PARQUET) -> State[Any]:
    """Write every table but the sign-in as Parquet or CSV, for reading elsewhere.

    Args:
        folder: A new or empty folder on the machine that runs the flow.
        file_format: `parquet` keeps the types, `csv` opens everywhere.
    """
    with recorded_flow_run("export", folder=folder, file_format=file_format) as run:
        run.step("export", make_export, folder, file_format)
    return run.state
