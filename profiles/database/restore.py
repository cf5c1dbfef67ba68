"""Restores a backup into an empty database, completely or not at all, and compares the row counts."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import errors as pg
from psycopg2 import sql

from profiles.database import create_if_missing, our_tables, prepare
from profiles.database.backup import read_manifest
from profiles.database.private_files import sha256
from profiles.database.programs import ProgramFailed, find_program, run_program, server_version
from profiles.errors import InputError, TrackerError

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database
    from profiles.database.backup import Manifest

# tables that a new machine fills by running checks: a restore may delete their rows
EXPENDABLE = (
    *our_tables.UNUSED_OPS,
    *("ops.api_calls", "ops.api_cooldowns", "ops.runs", "ops.logs", "ops.build_results", "ops.build_marks"),
    *("ops.pending_logins", "ops.token_imports", "ops.data_versions"),
)
# dbt rebuilds these from the others. Only on the embedded server are they surely ours
REBUILT_SCHEMAS = ("staging", "intermediate", "analytics")


@dataclass(frozen=True)
class Restored:
    """A finished restore. `is_verified` says that the row counts were compared with the manifest."""

    database: Database
    rows: dict[str, int]
    is_verified: bool


def restore(database: Database, file: Path, *, into: str | None = None) -> Restored:
    """Restore a backup into the database, or into a new one named `into` on the same server.

    Raises InputError if the file is no backup or the database is not empty; nothing is changed then. Raises
    ProgramFailed if pg_restore fails; nothing is left behind then. Raises TrackerError if rows are missing.
    """
    file = file.expanduser().absolute()
    manifest = _examine(database, file)
    target = _new_database(database, into) if into else database
    try:
        _drop_unused_schemas(target)
        _run_pg_restore(target, file, manifest)
    except BaseException:
        if into:
            _drop(database, into)
        raise
    rows = _analyse_and_count(target)
    if manifest:
        _compare(manifest.rows, rows)
    prepare(target)
    return Restored(target, rows, is_verified=manifest is not None)


def _examine(database: Database, file: Path) -> Manifest | None:
    if not file.is_file():
        raise InputError(f"There is no backup at {file}.", remedy="Backups lie in TRACKER_HOME/backups.")
    manifest = read_manifest(file)
    if manifest and sha256(file) != manifest.sha256:
        raise InputError(
            f"{file} is not what its manifest describes: it is damaged or was changed.",
            remedy="Take another copy of it, or another backup.",
        )
    try:
        contents = run_program(_pg_restore(database, manifest), ["--list", str(file)], database)
    except ProgramFailed as error:
        raise InputError(f"{file} cannot be read as a backup. {error.message}") from None
    if " SCHEMA - ops " not in contents:
        raise InputError(f"{file} is a dump of something else: it has no schema 'ops'.")
    return manifest


def _pg_restore(database: Database, manifest: Manifest | None) -> Path:
    # an older pg_restore cannot read the file of a newer pg_dump
    return find_program("pg_restore", max(server_version(database), manifest.dump_version if manifest else 0))


def _run_pg_restore(target: Database, file: Path, manifest: Manifest | None) -> None:
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]
    run_program(
        _pg_restore(target, manifest), [*arguments, f"--dbname={_by_name(target)}", str(file)], target
    )


def _by_name(target: Database) -> str:
    # a bare name that contains "=" would be read as a connection string
    quoted = target.name.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{quoted}'"


def _drop_unused_schemas(target: Database) -> None:
    """Drop our schemas.

    Raises InputError if they hold anything worth keeping, or if other views read them.
    """
    with target.transaction() as cursor:
        cursor.execute("set local lock_timeout = '30s'; set local client_min_messages = warning")
        rebuilt = REBUILT_SCHEMAS if target.is_embedded else ()
        guarded = tuple(name for name in our_tables.ALL_SCHEMAS if name not in rebuilt)
        tables = our_tables.tables(cursor, guarded)
        kept = [table for table in tables if not _is_expendable(table)]
        filled = {name: rows for name, rows in our_tables.count_rows(cursor, kept).items() if rows}
        readers = our_tables.foreign_readers(cursor)
        if filled or readers:
            found = ", ".join(f"{name} ({rows})" for name, rows in filled.items()) or ", ".join(readers)
            raise InputError(
                f"The database '{target.name}' is not empty: {found}.",
                remedy="Restore into a new one with --into NAME, then set DB_NAME=NAME. "
                "Restore before you sign in.",
            )
        for schema in our_tables.ALL_SCHEMAS:
            cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _is_expendable(table: our_tables.Table) -> bool:
    return str(table) in EXPENDABLE or table.name.startswith("_dlt_")


def _analyse_and_count(target: Database) -> dict[str, int]:
    with closing(target.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        # a backup holds no statistics; without them the first build gets bad query plans
        cursor.execute("analyze")
        return our_tables.count_rows(cursor, our_tables.tables(cursor, our_tables.SCHEMAS))


def _compare(wanted: dict[str, int], found: dict[str, int]) -> None:
    wrong = [
        f"{name}: {found.get(name, 0)} of {rows}"
        for name, rows in wanted.items()
        if found.get(name, 0) != rows
    ]
    if wrong:
        raise TrackerError(
            f"The restored rows are not those of the backup: {', '.join(wrong[:10])}.",
            remedy="Do not use this database; try another backup.",
        )


def _new_database(database: Database, name: str) -> Database:
    target = replace(database, name=name)
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("select from pg_database where datname = %s", [name])
        if cursor.fetchone() is not None:
            raise InputError(
                f"A database '{name}' exists already.", remedy="Name one that does not; it is created."
            )
        if database.is_embedded:
            create_if_missing(target)
            return target
        try:
            cursor.execute(
                sql.SQL("create database {} template template0 encoding 'UTF8'").format(sql.Identifier(name))
            )
        except (pg.InsufficientPrivilege, psycopg2.errors.InvalidName) as error:
            raise InputError(
                f"The database '{name}' cannot be created: {str(error).strip()}",
                remedy="Create an empty one yourself, set DB_NAME to it, and restore without --into.",
            ) from None
    return target


def _drop(database: Database, name: str) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
