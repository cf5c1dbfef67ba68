"""The one place that runs dlt: destination, working folder, locks, pending packages, rows that do not load.

A load is a package of rows for the tables of one group. It is merged inside one transaction per table; a
package that a kill left behind is finished before anything new is loaded, because dlt would otherwise load
it *instead*.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import dlt
import psycopg2
from dlt.common.exceptions import DltException
from dlt.pipeline.exceptions import PipelineStepFailed
from psycopg2 import sql

from extract.loading import api_fields, quarantine, raw_tables, working_folders
from extract.loading.clean import Rejected
from extract.loading.raw_tables import Missing, Tables
from extract.loading.tables import DATASET, GROUPS, RawTable, Row
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dlt.extract import DltResource, DltSource

    from profiles.database import Database
    from profiles.session import Session
    from profiles.settings import Settings

logger = logging.getLogger(__name__)

LOCK_TIMEOUT = (
    "60s"  # an idle transaction of a reader would otherwise hang a load for as long as it stays open
)

# SQLSTATEs that rows are to blame for: data, integrity, program limits, a file of rows that is no SQL
ROWS_AT_FAULT = ("22", "23", "54", "42601")

for _key, _value in {
    "extract.workers": 1,  # its threads race on one working folder
    "normalize.workers": 1,
    "load.workers": 1,
    "load.raise_on_max_retries": 3,
    "load.delete_completed_jobs": True,  # personal rows do not stay in files
    "load.truncate_staging_dataset": True,  # nor in the staging tables
    "load.auto_abort_on_terminal_error": True,
    "enable_runtime_trace": False,
    "restore_from_destination": False,  # no state of ours lives in dlt
}.items():
    dlt.config[_key] = _value


class LoadFailed(TrackerError):  # named as its siblings in profiles.errors
    """PostgreSQL or dlt refused a load. What had been loaded before stays; the next run tries again."""


@dataclass(frozen=True)
class Loaded:
    """`rows` stand in the tables; `rejected` ones do not, and are kept in `ops.quarantined_rows`."""

    rows: int
    rejected: tuple[Rejected, ...] = ()


def load(session: Session, group: str, batches: Mapping[RawTable, Sequence[Row]]) -> Loaded:
    """Merge the rows into their tables, all in one package. Rows that PostgreSQL refuses are quarantined.

    Raises LoadFailed where it is not the rows' fault.
    """
    filled = {table: list(rows) for table, rows in batches.items() if rows}
    if not filled:
        return Loaded(rows=0)
    with _exclusive(session.database, group):
        pipeline = _ready_pipeline(session, group)
        rejected: list[Rejected] = []
        try:
            _run(pipeline, group, filled)
        except DltException as error:
            rejected = _salvage(pipeline, group, filled, error)
    quarantine.store(session, rejected)
    api_fields.note(session.database, filled, as_of(session.settings))
    return Loaded(sum(map(len, filled.values())) - len(rejected), tuple(rejected))


def finish_pending(session: Session, group: str) -> None:
    """Finish (or, where it cannot be, drop) what a killed run left in the group's working folder.

    To be called before a decision is taken from what is stored: else it would be taken from half of it.
    """
    folder = _working_folder(session.settings, session.database, group)
    if not folder.exists() and not working_folders.has_left_over(folder):
        return
    with _exclusive(session.database, group):
        _ready_pipeline(session, group)


def ensure_tables(session: Session, *groups: str) -> None:
    """Make the raw tables of these groups, or of all, with columns and unique keys. Cheap where they stand.

    A table that somebody dropped is made again, with a warning that names it. The tables of exports are
    made by `extract.history.ensure_tables`.
    """
    for group in groups or GROUPS:
        if _stands(session.database, group):
            continue
        with _exclusive(session.database, group):
            _ready_pipeline(session, group)
            _create_keys(session.database, GROUPS[group])


def pipelines_folder(settings: Settings, database: Database) -> Path:
    """The working folder, one per database: a package made for one must never be loaded into another."""
    address = hashlib.sha256(f"{database.host}:{database.port}/{database.name}".encode()).hexdigest()[:12]
    return settings.tracker_home / "dlt" / address


def _pipeline_name(group: str) -> str:
    return f"spotify_{group}"


def _working_folder(settings: Settings, database: Database, group: str) -> Path:
    return pipelines_folder(settings, database) / _pipeline_name(group)


def open_pipeline(settings: Settings, database: Database, name: str, dataset: str) -> dlt.Pipeline:
    """The pipeline of this name into a dataset; its working folder is under `pipelines_folder`.

    A damaged folder is set aside; what it had not loaded yet waits there for `make_ready`.
    """
    credentials = f"{database.dlt_credentials}&options={quote(f'-clock_timeout={LOCK_TIMEOUT}')}"
    folder = pipelines_folder(settings, database)

    def make() -> dlt.Pipeline:
        pipeline: dlt.Pipeline = dlt.pipeline(
            pipeline_name=name,
            pipelines_dir=str(folder),
            destination=dlt.destinations.postgres(credentials),
            dataset_name=dataset,
        )
        return pipeline

    return working_folders.open_in(folder / name, make)


def make_ready(
    pipeline: dlt.Pipeline,
    database: Database,
    tables: Tables,
    nothing: Callable[[], DltSource],
    settle: Callable[[], None],
) -> list[Missing]:
    """Let all stand that a load needs: tables, dlt's schema of them, and no earlier package in its way.

    `nothing` makes the source of these tables without a row, `settle` finishes pending packages. What was
    dropped by hand is made again, said and returned. Raises DltException.
    """
    is_fresh = pipeline.default_schema_name is None
    if is_fresh:
        _learn(pipeline, nothing())
    missing = tables.missing(database)
    lost = raw_tables.lost(pipeline, missing, is_folder_new=is_fresh)
    if lost:
        raw_tables.make_again(pipeline, database, tables, lost)
    folder = Path(pipeline.working_dir)
    if working_folders.has_left_over(folder):
        working_folders.carry_over(folder, pipeline.default_schema)
    settle()
    if new := tables.missing(database):  # the first time, or of a version that knew less than this one
        _learn(pipeline, nothing())
        raw_tables.make_again(pipeline, database, tables, new)
        settle()
    if missing:
        raw_tables.restore_load_ids(pipeline, database, tables, missing)
    if lost:
        raw_tables.tell_of(database, tables, lost)
    return lost


def _learn(pipeline: dlt.Pipeline, source: DltSource) -> None:
    pipeline.extract(source)
    pipeline.normalize()


def _ready_pipeline(session: Session, group: str) -> dlt.Pipeline:
    """The group's pipeline, ready for a load. Raises LoadFailed."""
    pipeline = open_pipeline(session.settings, session.database, _pipeline_name(group), DATASET)
    tables = Tables(DATASET, GROUPS[group])
    try:
        make_ready(
            pipeline,
            session.database,
            tables,
            lambda: _source(pipeline, group, {table: [] for table in GROUPS[group]}),
            lambda: _settle_pending(pipeline, group),
        )
    except DltException as error:
        raise _load_failed(group, error) from None
    return pipeline


def _run(pipeline: dlt.Pipeline, group: str, batches: Mapping[RawTable, Sequence[Row]]) -> None:
    pipeline.run(_source(pipeline, group, batches))
    _forget_loaded(pipeline)


def _source(pipeline: dlt.Pipeline, group: str, batches: Mapping[RawTable, Sequence[Row]]) -> DltSource:
    schema = pipeline.schemas[group] if group in pipeline.schema_names else None
    known = {name: table["columns"] for name, table in schema.tables.items()} if schema else {}

    @dlt.source(name=group)
    def rows_of_group() -> list[DltResource]:
        return [
            table.resource(_pages(rows), known=known.get(table.name, ())) for table, rows in batches.items()
        ]

    source: DltSource = rows_of_group()
    return source


def _salvage(
    pipeline: dlt.Pipeline, group: str, batches: Mapping[RawTable, Sequence[Row]], failure: DltException
) -> list[Rejected]:
    """Load what can be loaded by halving the batch; return the rows that fail alone.

    Raises LoadFailed where the rows are not to blame: the database is away, a table is locked or altered.
    """
    rejected: list[Rejected] = []
    flat = [(table, row) for table, rows in batches.items() for row in rows]
    parts = [(flat, failure)]
    while parts:
        part, why = parts.pop()
        if not _blames_rows(why):
            raise _load_failed(group, why) from None
        _drop_pending(pipeline)
        if len(part) == 1:
            table, row = part[0]
            rejected.append(Rejected(table.name, table.key_of(row), brief(why), row.get("payload")))
            continue
        for half in (part[: len(part) // 2], part[len(part) // 2 :]):
            try:
                _run(pipeline, group, _by_table(half))
            except DltException as error:
                parts.append((half, error))
                if _blames_rows(error):
                    _drop_pending(pipeline)
    if len(rejected) == len(flat):
        _prove_that_empty_loads_pass(pipeline, group, batches)
    return rejected


def _by_table(part: Sequence[tuple[RawTable, Row]]) -> dict[RawTable, list[Row]]:
    batches: dict[RawTable, list[Row]] = {}
    for table, row in part:
        batches.setdefault(table, []).append(row)
    return batches


def _blames_rows(error: DltException) -> bool:
    """Whether it is bound to fail again with these rows: no lock, lost connection or full disk."""
    if isinstance(cause := _innermost(error), psycopg2.Error):
        return (cause.pgcode or "").startswith(ROWS_AT_FAULT)
    return isinstance(error, PipelineStepFailed) and error.step in {"extract", "normalize"}


def _prove_that_empty_loads_pass(
    pipeline: dlt.Pipeline, group: str, batches: Mapping[RawTable, Sequence[Row]]
) -> None:
    try:
        _run(pipeline, group, {table: [] for table in batches})
    except DltException as error:
        _drop_pending(pipeline)
        raise _load_failed(group, error) from None


def _pages(rows: Sequence[Row]) -> Iterator[object]:
    yield list(rows) if rows else dlt.mark.materialize_table_schema()


def _settle_pending(pipeline: dlt.Pipeline, group: str) -> None:
    """Finish what a killed run left; drop it where it can never load. Raises LoadFailed where it may."""
    if not pipeline.has_pending_data:
        return
    try:
        pipeline.run()
        logger.info("finished a load that an earlier run of %s had begun", pipeline.pipeline_name)
    except DltException as error:
        if not _blames_rows(error):
            raise _load_failed(group, error) from None
        # its rows come again with the next pass, which sorts out those that cannot be stored
        logger.warning(
            "dropped a load of %s that cannot be finished: %s", pipeline.pipeline_name, brief(error)
        )
        _drop_pending(pipeline)
    _forget_loaded(pipeline)


def _drop_pending(pipeline: dlt.Pipeline) -> None:
    if pipeline.has_pending_data:
        pipeline.abort_packages()
    _forget_loaded(pipeline)


def _forget_loaded(pipeline: dlt.Pipeline) -> None:
    loaded = Path(pipeline.working_dir) / "load" / "loaded"
    for load_id in pipeline.list_completed_load_packages():
        shutil.rmtree(loaded / load_id, ignore_errors=True)


@contextmanager
def _exclusive(database: Database, group: str) -> Iterator[None]:
    with advisory_lock(database, f"load:{_pipeline_name(group)}", wait=True, timeout_s=600) as is_held:
        if not is_held:
            raise LoadFailed(
                f"Another process has been loading '{group}' for ten minutes.",
                remedy="Look for a process that hangs, end it, and run this again.",
            )
        yield


def _stands(database: Database, group: str) -> bool:
    with database.transaction() as cursor:
        names = [
            f"{DATASET}.{name}" for table in GROUPS[group] for name in (_key_name(table), *table.indexes)
        ]
        cursor.execute("select bool_and(to_regclass(name) is not null) from unnest(%s) as name", [names])
        if cursor.fetchone() != (True,):
            return False
    return not Tables(DATASET, GROUPS[group]).missing(database)


def _key_name(table: RawTable) -> str:
    return f"{table.name}_key"


def _create_keys(database: Database, tables: Sequence[RawTable]) -> None:
    with database.transaction() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute("set local client_min_messages = warning")
        for table in tables:
            cursor.execute(
                sql.SQL("create unique index if not exists {} on {} ({})").format(
                    sql.Identifier(_key_name(table)),
                    sql.Identifier(DATASET, table.name),
                    sql.SQL(", ").join(map(sql.Identifier, table.key)),
                )
            )
            for name, columns in table.indexes.items():
                cursor.execute(
                    sql.SQL("create index if not exists {} on {} ({})").format(
                        sql.Identifier(name),
                        sql.Identifier(DATASET, table.name),
                        sql.SQL(", ").join(map(sql.Identifier, columns)),
                    )
                )


def _load_failed(group: str, error: Exception) -> LoadFailed:
    return LoadFailed(
        f"Loading '{group}' failed: {brief(error)}.",
        remedy="Nothing loaded earlier is lost; mend the cause and run it again.",
    )


def brief(error: BaseException) -> str:
    """The innermost cause in one line, without the rows that dlt repeats in its messages."""
    cause = _innermost(error)
    first = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {first[0][:200] if first else 'no message'}"


def _innermost(error: BaseException) -> BaseException:
    while inner := (
        getattr(error, "client_exception", None) or getattr(error, "exception", None) or error.__cause__
    ):
        error = inner
    return error
