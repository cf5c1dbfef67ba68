"""Runs dlt: one package at a time into the tables of one group, each row once even after a kill.

Small tables are merged by their key, so a package can be loaded twice without harm. Large ones are copied
from CSV files. A COPY is one transaction, but dlt notes its success in a file afterwards: a kill in between
would make the next run copy the same rows again. Before such a package is finished, its rows are therefore
deleted by its load id.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast
from urllib.parse import quote

import dlt
from dlt.common.exceptions import DltException
from psycopg2 import sql

from extract.loading import repair, working_folders
from extract.loading.failures import are_rows_at_fault, brief, innermost, load_halves
from extract.loading.outcome import Loaded, LoadFailed
from extract.loading.pending import folders_set_aside, working_folder
from extract.loading.standing import missing_parts
from extract.loading.tables import LOAD_ID
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dlt.common.destination.capabilities import DestinationCapabilitiesContext
    from dlt.common.normalizers.naming import NamingConvention
    from dlt.common.schema.typing import TSchemaContract, TWriteDispositionConfig
    from dlt.destinations.impl.postgres.configuration import PostgresClientConfiguration
    from dlt.extract import DltResource, DltSource

    from extract.loading.failures import TableRow
    from extract.loading.tables import RawTable, Row, TableGroup
    from profiles.database import Database
    from profiles.settings import Settings

logger = logging.getLogger(__name__)

# not `upsert`: repeated after a kill it would insert the rows with `is_gone` themselves
MERGE: TWriteDispositionConfig = {"disposition": "merge", "strategy": "delete-insert"}
CONTRACT: TSchemaContract = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
NEW_COLUMNS: TSchemaContract = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


class CsvRows(Protocol):
    """Rows of a copied table that can write themselves into a file."""

    def write(self, path: Path, load_id: str) -> int:
        """Write a CSV file with a header, its last column the load id. Returns the number of rows."""


Batches: TypeAlias = "Mapping[RawTable, Sequence[Row] | CsvRows]"


class Postgres(dlt.destinations.postgres):
    """dlt's PostgreSQL, with capabilities that depend on no setting.

    dlt asks for them ten times a load. Each time it would look up every field of the configuration in the
    environment and in all of its files: a third of the time that a small load takes.
    """

    destination_type = "dlt.destinations.postgres"  # working folders name it

    def capabilities(
        self, config: PostgresClientConfiguration | None = None, naming: NamingConvention | None = None
    ) -> DestinationCapabilitiesContext:
        """Return what dlt may do here."""
        return super().capabilities(self.spec() if config is None else config, naming)


class Loader:
    """The dlt pipeline of one group of tables. Whoever uses it holds the group's lock."""

    def __init__(
        self, settings: Settings, database: Database, group: TableGroup, *, lock_timeout: str
    ) -> None:
        self._database = database
        self._group = group
        self._folder = working_folder(settings, database, group)
        self._csv_folder = self._folder / "spool"
        self._lock_timeout = lock_timeout
        self._pipeline = working_folders.open_pipeline(self._folder, self._new_pipeline)

    def make_ready(self) -> None:
        """Create what is missing of the tables, and finish what an earlier run left. Raises LoadFailed."""
        try:
            self._make_ready()
        except DltException as error:
            raise self._failure(error) from None

    def load(self, batches: Mapping[RawTable, Sequence[Row]]) -> Loaded:
        """Load one package. Rows that PostgreSQL refuses are returned as rejected, the others are loaded.

        Raises LoadFailed where the rows are not to blame.
        """
        try:
            self._run(batches)
        except DltException as error:
            rows = [(table, row) for table in batches for row in batches[table]]
            return self._load_what_can_be_loaded(rows, error)
        return Loaded(sum(map(len, batches.values())))

    def load_all(self, batches: Batches) -> None:
        """Load one package, with all of its rows. Rows to copy are written now, so they may be a stream.

        Raises LoadFailed where a row is refused too, and any TrackerError that a stream of rows raises.
        """
        batches = {table: rows for table, rows in batches.items() if rows}
        if batches:
            try:
                self._run(batches)
            except DltException as error:
                raise self._failure(error) from None

    def _new_pipeline(self) -> dlt.Pipeline:
        options = quote(f"-clock_timeout={self._lock_timeout}")
        pipeline: dlt.Pipeline = dlt.pipeline(
            pipeline_name=self._group.pipeline_name,
            pipelines_dir=str(self._folder.parent),
            destination=Postgres(f"{self._database.dlt_credentials}&options={options}"),
            dataset_name=self._group.dataset,
        )
        return pipeline

    def _make_ready(self) -> None:
        pipeline, database, group = self._pipeline, self._database, self._group
        is_new, is_left = pipeline.default_schema_name is None, pipeline.has_pending_data
        if is_new:
            self._teach_schema()
        missing = missing_parts(database, group)
        dropped = repair.dropped_parts(pipeline, missing, is_folder_new=is_new)
        if dropped:
            repair.make_again(pipeline, database, group, dropped)
        if any(folders_set_aside(self._folder)):
            working_folders.carry_over(self._folder, pipeline.default_schema)
        is_package_dropped = not self._finish_pending(is_left=is_left)
        if unknown := missing_parts(database, group):  # new in this version, or the first time at all
            self._teach_schema()
            repair.make_again(pipeline, database, group, unknown)
            self._finish_pending(is_left=False)
        if missing:
            repair.restore_load_ids(pipeline, database, group, missing)
        if is_new or is_package_dropped:
            # a package that was lost or dropped may have stored rows, and dbt reads recorded loads alone
            read_by_load = [table.name for table in group.tables if table.is_read_by_load]
            repair.record_loads(pipeline, database, group, read_by_load)
        if dropped:
            repair.report_dropped(database, group, dropped)

    def _teach_schema(self) -> None:
        """Make an empty package, from which dlt learns the columns of every table."""
        self._pipeline.extract(self._source({table: [] for table in self._group.tables}))
        self._pipeline.normalize()

    def _run(self, batches: Batches) -> None:
        try:
            self._pipeline.run(self._source(batches))
        finally:
            shutil.rmtree(self._csv_folder, ignore_errors=True)
        self._delete_finished_packages()

    # -- what dlt is given

    def _source(self, batches: Batches) -> DltSource:
        @dlt.source(name=self._group.name)
        def tables_of_group() -> list[DltResource]:
            return [self._resource(table, rows) for table, rows in batches.items()]

        source: DltSource = tables_of_group()
        return source

    def _resource(self, table: RawTable, rows: Sequence[Row] | CsvRows) -> DltResource:
        is_known = table.columns.keys() <= self._known_columns(table)
        hints: dict[str, Any] = {"name": table.name, "columns": table.hints()}
        hints["schema_contract"] = CONTRACT if is_known else NEW_COLUMNS
        if table.is_copied:
            pages, hints["write_disposition"] = self._csv_file(table, rows), "append"
        else:
            pages = _one_page(cast("Sequence[Row]", rows))
            hints |= {"primary_key": table.key, "write_disposition": MERGE}
        resource: DltResource = dlt.resource(pages, **hints)
        return resource

    def _known_columns(self, table: RawTable) -> set[str]:
        """The columns that dlt knows of the table: a table of an earlier version gets the new ones."""
        pipeline, name = self._pipeline, self._group.name
        schema = pipeline.schemas[name] if name in pipeline.schema_names else None
        return set(schema.tables[table.name]["columns"]) if schema and table.name in schema.tables else set()

    def _csv_file(self, table: RawTable, rows: Sequence[Row] | CsvRows) -> Iterator[object]:
        """One file for the whole package: a second COPY would be a second transaction."""
        self._csv_folder.mkdir(parents=True, exist_ok=True)
        path = self._csv_folder / f"{table.name}.csv"
        if isinstance(rows, list):
            # no row: the header makes the table, where dlt's own mark for it would add a column
            path.write_text(",".join(f'"{name}"' for name in (*table.columns, LOAD_ID)) + "\n", "utf-8")
            count = 0
        else:
            count = cast("CsvRows", rows).write(path, dlt.current.load_package_state()["load_id"])
        yield dlt.mark.with_file_import(str(path), "csv", count)

    # -- loads that fail

    def _load_what_can_be_loaded(self, rows: Sequence[TableRow], error: DltException) -> Loaded:
        try:
            rejected = load_halves(rows, error, self._run, self._drop_pending)
            if len(rejected) == len(rows):  # an empty load tells whether the rows are to blame
                self._run({table: [] for table, _ in rows})
        except DltException as failure:
            if are_rows_at_fault(failure):
                self._drop_pending()
            raise self._failure(failure) from None
        return Loaded(len(rows) - len(rejected), tuple(rejected))

    def _failure(self, error: Exception) -> TrackerError:
        cause = innermost(error)
        if isinstance(cause, TrackerError):  # raised by the stream of rows itself
            return cause
        return LoadFailed(
            f"Loading '{self._group.name}' failed: {brief(error)}.",
            remedy="Nothing loaded earlier is lost; mend the cause and run it again.",
        )

    # -- packages that an earlier run left

    def _finish_pending(self, *, is_left: bool) -> bool:
        """Load what is pending; drop it where it can never be loaded. Returns False if it was dropped.

        `is_left`: an earlier run left it, and this one says so. Raises LoadFailed.
        """
        pipeline, is_loaded = self._pipeline, True
        if pipeline.has_pending_data:
            self._delete_copied_rows_that_dlt_does_not_know()
            try:
                pipeline.run()
                if is_left:
                    logger.info("finished a load that an earlier run of %s had begun", pipeline.pipeline_name)
            except DltException as error:
                if not are_rows_at_fault(error):
                    raise self._failure(error) from None
                # the next sync or import brings its rows again and sorts out those that cannot be stored
                logger.warning(
                    "dropped a load of %s that cannot be finished: %s", pipeline.pipeline_name, brief(error)
                )
                self._drop_pending()
                is_loaded = False
        self._delete_finished_packages()
        return is_loaded

    def _delete_copied_rows_that_dlt_does_not_know(self) -> None:
        copied = {table.name for table in self._group.tables if table.is_copied}
        for load_id in self._pipeline.list_normalized_load_packages():
            package = self._pipeline.get_load_package_info(load_id)
            if package.has_pending_transitions:  # dlt has noted how the job that was running has ended
                continue
            begun = {job.job_file_info.table_name for job in package.jobs["started_jobs"]}
            with self._database.transaction() as cursor:
                for name in sorted(copied & begun):
                    cursor.execute(
                        sql.SQL("delete from {} where {} = %s").format(
                            sql.Identifier(self._group.dataset, name), sql.Identifier(LOAD_ID)
                        ),
                        [load_id],
                    )

    def _drop_pending(self) -> None:
        if self._pipeline.has_pending_data:
            self._pipeline.abort_packages()
        self._delete_finished_packages()

    def _delete_finished_packages(self) -> None:
        """Personal rows do not stay in files: neither of finished packages nor of packages half made."""
        for load_id in self._pipeline.list_completed_load_packages():
            shutil.rmtree(self._folder / "load" / "loaded" / load_id, ignore_errors=True)
        for half_made in (self._folder / "normalize").glob("*/"):
            if half_made.name != "extracted":
                shutil.rmtree(half_made, ignore_errors=True)
        shutil.rmtree(self._csv_folder, ignore_errors=True)


def _one_page(rows: Sequence[Row]) -> Iterator[object]:
    yield list(rows) if rows else dlt.mark.materialize_table_schema()
