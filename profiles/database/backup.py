"""Backups in pg_dump's custom format, each with a manifest of its row counts. The last seven are kept.

A backup never contains the sign-in: whoever finds one can read the history, but cannot act for its owner.
"""

from __future__ import annotations

import json
import re
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.clock import real_now
from profiles.database import advisory_lock, our_tables
from profiles.database.private_files import draft_of, make_folder, sha256
from profiles.database.programs import find_program, major_version, run_program, server_version
from profiles.errors import InputError, TrackerError

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database
    from profiles.settings import Settings

KEPT = 7
MANIFEST_VERSION = 1
LONGEST_BUILD_S = 600.0
SUFFIX = ".dump"


@dataclass(frozen=True)
class Backup:
    """A backup that was written. `rows` has the number of rows by `schema.table`."""

    file: Path
    size_bytes: int
    rows: dict[str, int]
    removed: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """The content of a backup. The rows were counted in the same snapshot that was dumped."""

    sha256: str
    dump_version: int
    rows: dict[str, int]


def backups_folder(settings: Settings) -> Path:
    """Return the folder for backups: one in TRACKER_HOME, or of its own in TRACKER_BACKUP_DIR.

    Several homes may name the same TRACKER_BACKUP_DIR; none removes the backups of another.
    """
    given = settings.tracker_backup_dir
    return settings.tracker_home / "backups" if given is None else given / settings.label


def manifest_of(file: Path) -> Path:
    """Return the path of a backup's manifest. The two belong together."""
    return file.with_name(file.name + ".json")


def series_of(database: Database) -> str:
    """Return how the names of a database's backups begin. Several databases may share one folder."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", database.name)


def backup(settings: Settings, database: Database, *, to: Path | None = None) -> Backup:
    """Write all our schemas to one file.

    The default is a dated file in the folder for backups, of which seven are kept. Builds wait for the
    backup; loads do not. Raises InputError if `to` cannot be written, ProgramFailed if pg_dump fails or is
    too old, TrackerError if a build does not end.
    """
    file = to.expanduser().absolute() if to else _dated_file(settings, database)
    if to and (file.exists() or not file.parent.is_dir()):
        why = "exists already" if file.exists() else "lies in a folder that does not exist"
        raise InputError(f"{file} {why}.", remedy="Name a new file in a folder that exists.")
    make_folder(file.parent)
    with (
        advisory_lock(database, "backup", wait=True, timeout_s=LONGEST_BUILD_S) as is_alone,
        advisory_lock(database, "build", wait=True, timeout_s=LONGEST_BUILD_S) as is_still,
    ):
        if not (is_alone and is_still):
            raise TrackerError(
                "A build or another backup has been running for ten minutes.", remedy="Try again later."
            )
        rows = _dump(database, file)
        removed = () if to else _remove_old(file)
    return Backup(file, file.stat().st_size, rows, removed)


def _dump(database: Database, file: Path) -> dict[str, int]:
    """Dump and count in one snapshot, so that a restore can be compared exactly. Return the row counts."""
    version = server_version(database)
    program = find_program("pg_dump", version)
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute("select pg_export_snapshot()")
        ((snapshot,),) = cursor.fetchall()
        ours = our_tables.tables(cursor, our_tables.SCHEMAS)
        rows = {**our_tables.count_rows(cursor, ours), **dict.fromkeys(our_tables.SECRET_TABLES, 0)}
        present = [name for name in our_tables.schemas(cursor) if name in our_tables.SCHEMAS]
        with draft_of(file) as draft, draft_of(manifest_of(file)) as manifest:
            arguments = ["--format=custom", f"--file={draft}", f"--snapshot={snapshot}", "--no-password"]
            # owners and rights are decided by the machine that restores
            arguments += ["--no-owner", "--no-privileges", "--lock-wait-timeout=60s"]
            arguments += [f"--schema={name}" for name in present]
            arguments += [f"--exclude-table-data={name}" for name in our_tables.SECRET_TABLES]
            run_program(program, arguments, database)
            content = {
                "manifest_version": MANIFEST_VERSION,
                "created_at": real_now().isoformat(timespec="seconds"),
                "database": database.name,
                "server_version": version,
                "dump_version": major_version(program),
                "sha256": sha256(draft),
                "left_out": list(our_tables.SECRET_TABLES),
                "rows": rows,
            }
            manifest.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return rows


def read_manifest(file: Path) -> Manifest | None:
    """Return a backup's manifest, None if it is missing. Raises InputError if it cannot be read."""
    place = manifest_of(file)
    if not place.exists():
        return None
    try:
        content: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        rows = {str(name): int(count) for name, count in content["rows"].items()}
        return Manifest(str(content["sha256"]), int(content["dump_version"]), rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The manifest {place} cannot be read ({type(error).__name__}).",
            remedy="Move it away to restore without comparing row counts.",
        ) from None


def _dated_file(settings: Settings, database: Database) -> Path:
    stamp = real_now().strftime("%Y%m%dT%H%M%S%fZ")
    return backups_folder(settings) / f"{series_of(database)}-{stamp}{SUFFIX}"


def _remove_old(newest: Path) -> tuple[Path, ...]:
    series = newest.name.rpartition("-")[0]
    dated = re.compile(re.escape(series) + r"-\d{8}T\d{12}Z" + re.escape(SUFFIX))
    kept = sorted(path for path in newest.parent.iterdir() if dated.fullmatch(path.name))
    removed = tuple(kept[:-KEPT])
    for old in removed:
        for path in (old, manifest_of(old)):
            with suppress(FileNotFoundError):
                path.unlink()
    # leftovers of killed backups; nobody else writes here while we hold the lock of backups
    for draft in newest.parent.glob(f".{series}-*.unfinished"):
        draft.unlink(missing_ok=True)
    return removed
