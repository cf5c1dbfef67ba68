"""Loads into `raw_export`, each one dlt package, exactly once also where a kill falls in between.

The large tables come as CSV files that Arrow writes and dlt imports into its package untouched, so
PostgreSQL's COPY reads what Arrow wrote and no row passes through Python again. A COPY is one transaction,
but dlt notes its success in a file afterwards: a kill in between would make the next run copy the same rows
again. So before a package that was left behind is finished, its rows are looked for in the table (they carry
the package's id).
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dlt
import pyarrow as pa
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.exceptions import DltException
from psycopg2 import sql
from pyarrow import csv

from extract.history.export_tables import COPIED, DATASET, MERGED, STREAMING_HISTORY, CopiedTable, MergedTable
from extract.history.known_files import forget_files
from extract.loading.pipeline import LOCK_TIMEOUT, LoadFailed, brief, make_ready, open_pipeline
from extract.loading.raw_tables import Tables
from extract.loading.tables import API_CONTRACT, LOAD_ID
from profiles.database import advisory_lock
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dlt.common.storages.load_package import PackageStorage
    from dlt.extract import DltResource, DltSource

    from extract.history.export_tables import Row
    from profiles.database import Database
    from profiles.session import Session

PIPELINE = "spotify_exports"
TABLES = Tables(DATASET, MERGED, COPIED)
_LOAD_ERRORS = (DltException, ConfigurationException)


class ImportRunningError(TrackerError):
    """Another import holds the tables."""


class Loader:
    """The way into `raw_export`. Make one with `exclusive_loader`."""

    def __init__(self, session: Session) -> None:
        self._database = session.database
        self._pipeline = open_pipeline(session.settings, session.database, PIPELINE, DATASET)
        self._folder = Path(self._pipeline.working_dir)
        self._spool = self._folder / "spool"

    def load(
        self,
        copied: Mapping[CopiedTable, Iterable[pa.Table]] | None = None,
        merged: Mapping[MergedTable, Sequence[Row]] | None = None,
    ) -> None:
        """Load one package. The tables to copy are pulled while it is made, so they may be a stream.

        Raises LoadFailed; what was loaded before stays.
        """
        resources = [self._copied(table, rows) for table, rows in (copied or {}).items()]
        resources += [_merged(table, list(rows)) for table, rows in (merged or {}).items() if rows]
        if resources:
            self._run(resources)

    def ensure_tables(self) -> None:
        """Make every table of `raw_export` with its keys, and finish what a killed import left behind.

        Raises LoadFailed where they cannot be made.
        """
        try:
            lost = make_ready(self._pipeline, self._database, TABLES, self._nothing, self._settle)
        except _LOAD_ERRORS as error:
            raise _load_failed(error) from None
        if any(gone.table == STREAMING_HISTORY.name and gone.column in (None, "row_hash") for gone in lost):
            forget_files(self._database)
        if not _all_stand(self._database):
            _create_keys(self._database)

    def _nothing(self) -> DltSource:
        return _source(
            [self._copied(table, ()) for table in COPIED]
            + [_merged(table, dlt.mark.materialize_table_schema()) for table in MERGED]
        )

    def _settle(self) -> None:
        """Finish the package that a killed import left behind; drop it where it cannot be finished.

        Dropping loses nothing: its rows are read again, and those that were stored are known by their hashes.
        """
        if self._pipeline.has_pending_data:
            self._mark_what_was_copied()
            try:
                self._pipeline.run()
            except _LOAD_ERRORS:
                if self._pipeline.has_pending_data:
                    self._pipeline.abort_packages()
        self._clear()

    def _run(self, resources: list[DltResource]) -> None:
        try:
            self._pipeline.run(_source(resources))
        except _LOAD_ERRORS as error:
            raise _load_failed(error) from None
        finally:
            shutil.rmtree(self._spool, ignore_errors=True)
        self._clear()

    def _copied(self, table: CopiedTable, rows: Iterable[pa.Table]) -> DltResource:
        return dlt.resource(
            self._files(table, rows),
            name=table.name,
            columns=table.hints(),
            write_disposition="append",
            schema_contract=API_CONTRACT,
        )

    def _files(self, table: CopiedTable, rows: Iterable[pa.Table]) -> Iterator[object]:
        """One file for the whole package: a second COPY would be a second transaction."""
        load_id = dlt.current.load_package_state()["load_id"]
        schema = table.schema.append(pa.field(LOAD_ID, pa.string()))
        self._spool.mkdir(parents=True, exist_ok=True)
        path = self._spool / f"{table.name}.csv"
        count = 0
        with csv.CSVWriter(path, schema) as writer:
            for part in rows:
                writer.write_table(part.append_column(LOAD_ID, pa.repeat(load_id, part.num_rows)))
                count += part.num_rows
        # also without rows, just its header: that makes the table, where dlt's mark for it would add a column
        yield dlt.mark.with_file_import(str(path), "csv", count)

    def _mark_what_was_copied(self) -> None:
        packages = self._pipeline._get_load_storage().normalized_packages
        for load_id in self._pipeline.list_normalized_load_packages():
            for table in COPIED:
                if _holds_package(self._database, table, load_id):
                    _mark_completed(packages, load_id, table)

    def _clear(self) -> None:
        """Personal rows do not stay in files: finished packages, and what a kill left of unfinished ones."""
        for load_id in self._pipeline.list_completed_load_packages():
            shutil.rmtree(self._folder / "load" / "loaded" / load_id, ignore_errors=True)
        for left in (self._folder / "normalize").glob("*/"):
            if left.name != "extracted":
                shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(self._spool, ignore_errors=True)


@contextmanager
def exclusive_loader(session: Session) -> Iterator[Loader]:
    """Yield the loader, with whatever an earlier import left behind finished and every table in place.

    Raises ImportRunningError where another import is at it, LoadFailed where the tables cannot be made.
    """
    with advisory_lock(session.database, f"load:{PIPELINE}", wait=True, timeout_s=5) as is_held:
        if not is_held:
            raise ImportRunningError(
                "Another import is running on this database.",
                remedy="Wait for it to end, then start this one.",
            )
        loader = Loader(session)
        loader.ensure_tables()
        yield loader


def ensure_tables(session: Session) -> None:
    """Make every table of `raw_export`, with its indexes. One query where they stand already."""
    if not _all_stand(session.database):
        with exclusive_loader(session):
            pass


def _load_failed(error: Exception) -> LoadFailed:
    return LoadFailed(
        f"Loading the import failed: {brief(error)}.",
        remedy="Nothing loaded earlier is lost; mend the cause and import again.",
    )


def _source(resources: list[DltResource]) -> DltSource:
    @dlt.source(name="exports")
    def exports() -> list[DltResource]:
        return resources

    source: DltSource = exports()
    return source


def _merged(table: MergedTable, page: object) -> DltResource:
    return dlt.resource(
        iter([page]),
        name=table.name,
        primary_key=table.key,
        columns=table.hints(),
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        schema_contract=API_CONTRACT,
    )


def _all_stand(database: Database) -> bool:
    names = [f"{DATASET}.{table.name}_key" for table in MERGED]
    names += [f"{DATASET}.{_load_index(table)}" for table in COPIED]
    with database.transaction() as cursor:
        cursor.execute("select bool_and(to_regclass(name) is not null) from unnest(%s) as name", [names])
        if cursor.fetchone() != (True,):
            return False
    return not TABLES.missing(database)


def _create_keys(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute("set local client_min_messages = warning")
        for table in MERGED:
            cursor.execute(
                sql.SQL("create unique index if not exists {} on {} ({})").format(
                    sql.Identifier(f"{table.name}_key"),
                    sql.Identifier(DATASET, table.name),
                    sql.SQL(", ").join(map(sql.Identifier, table.key)),
                )
            )
        for copied in COPIED:
            cursor.execute(
                # rows of an import stand together: summaries of pages find them, and cost the import nothing
                sql.SQL(
                    "create index if not exists {} on {} using brin ({}) with (autosummarize = on)"
                ).format(
                    sql.Identifier(_load_index(copied)),
                    sql.Identifier(DATASET, copied.name),
                    sql.Identifier(LOAD_ID),
                )
            )


def _load_index(table: CopiedTable) -> str:
    """By it dbt, and whoever settles what a kill left, finds the rows of one load among a life's."""
    return f"{table.name}_load"


def _holds_package(database: Database, table: CopiedTable, load_id: str) -> bool:
    with database.transaction() as cursor:
        cursor.execute("select to_regclass(%s) is not null", [f"{DATASET}.{table.name}"])
        if cursor.fetchone() != (True,):
            return False
        cursor.execute(
            sql.SQL("select exists (select from {} where {} = %s)").format(
                sql.Identifier(DATASET, table.name), sql.Identifier(LOAD_ID)
            ),
            [load_id],
        )
        return cursor.fetchone() == (True,)


def _mark_completed(packages: PackageStorage, load_id: str, table: CopiedTable) -> None:
    for job in packages.list_started_jobs(load_id):
        name = Path(job).name
        if name.startswith(f"{table.name}.") and packages.load_pending_transition(load_id, name) is None:
            packages.save_pending_transition(load_id, name, "completed")
