"""What stands of the raw tables, and how what was dropped by hand is made again.

dlt alters nothing while it finds its schema's fingerprint in `_dlt_version`: a table or column that somebody
dropped would be missing for good. Here dlt is told to look at the tables themselves.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from dlt.common.schema import Schema
from psycopg2 import sql

from extract.loading.source_checks import forget_checks
from extract.loading.tables import LOAD_ID
from profiles.clock import real_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dlt
    from dlt.common.destination.client import WithStagingDataset, WithStateSync
    from dlt.common.schema.typing import TColumnSchema

    from profiles.database import Database

logger = logging.getLogger(__name__)

ROW_ID = "_dlt_id"
LOADS, VERSIONS = "_dlt_loads", "_dlt_version"


class Declared(Protocol):
    """A raw table as the code declares it."""

    @property
    def name(self) -> str:
        """What it is called, in the dataset and in the staging one."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""

    def hints(self) -> Mapping[str, TColumnSchema]:
        """Its columns as dlt makes them."""


class Missing(NamedTuple):
    """A table that is missing, or a column of one that stands."""

    schema: str
    table: str
    column: str | None = None

    def __str__(self) -> str:
        return ".".join(part for part in self if part)


@dataclass(frozen=True)
class Tables:
    """The tables that one pipeline loads. Rows for the `merged` ones pass through tables of their own."""

    dataset: str
    merged: tuple[Declared, ...]
    copied: tuple[Declared, ...] = ()

    @property
    def staging(self) -> str:
        """The schema that rows pass through before they are merged."""
        return f"{self.dataset}_staging"

    def missing(self, database: Database) -> list[Missing]:
        """What does not stand of these tables, and of those that dlt needs beside them."""
        expected: dict[tuple[str, str], set[str]] = {
            (self.dataset, LOADS): set(),
            (self.dataset, VERSIONS): set(),
            (self.staging, VERSIONS): set(),
        }
        for table in self.copied:
            expected[self.dataset, table.name] = {*table.hints(), LOAD_ID}
        for table in self.merged:
            for schema in (self.dataset, self.staging):
                expected[schema, table.name] = {*table.hints(), LOAD_ID, ROW_ID}
        with database.transaction() as cursor:
            cursor.execute(
                "select table_schema, table_name, column_name from information_schema.columns"
                " where table_schema = any(%s)",
                [[self.dataset, self.staging]],
            )
            standing: dict[tuple[str, str], set[str]] = {}
            for schema, table, column in cursor:
                standing.setdefault((schema, table), set()).add(column)
        lost = [Missing(*place) for place in expected if place not in standing]
        for place, columns in standing.items():
            lost += [Missing(*place, column) for column in sorted(expected.get(place, set()) - columns)]
        return lost


def lost(pipeline: dlt.Pipeline, missing: list[Missing], *, is_folder_new: bool) -> list[Missing]:
    """Return what is missing of what stood here once. The rest is new, and was never dropped.

    dlt's record in the database tells: the working folder may be new, as where a backup was restored. Without
    that record the folder's schema tells; a new folder knows of nothing that stood.
    """
    if not missing:
        return []
    with pipeline.destination_client() as client:
        stored = cast("WithStateSync", client).get_stored_schema(pipeline.default_schema.name)
    if stored is None and is_folder_new:
        return []
    schema = Schema.from_stored_schema(json.loads(stored.schema)) if stored else pipeline.default_schema
    return [
        each
        for each in missing
        if (table := schema.tables.get(each.table)) and (not each.column or each.column in table["columns"])
    ]


def make_again(pipeline: dlt.Pipeline, database: Database, tables: Tables, missing: list[Missing]) -> None:
    """Let dlt make whatever is missing of these tables.

    A table that has lost a column of its key is renamed first: nothing can be merged into it any more. Other
    columns come back empty. Raises DltException.
    """
    _put_away_keyless(database, tables, missing)
    with pipeline.destination_client() as client:
        # a column that comes back is empty in the rows that stand: for this once it may be
        relaxed = pipeline.default_schema.clone().to_dict()
        for schema, table, column in missing:
            if column and schema == tables.dataset:
                relaxed["tables"][table]["columns"][column]["nullable"] = True
        client.schema = Schema.from_dict(cast("dict[str, Any]", relaxed))
        client.initialize_storage()
        client.update_stored_schema(force=True)
        with cast("WithStagingDataset", client).with_staging_dataset():
            client.initialize_storage()
            client.update_stored_schema([VERSIONS, *(table.name for table in tables.merged)], force=True)


def restore_load_ids(
    pipeline: dlt.Pipeline, database: Database, tables: Tables, missing: list[Missing]
) -> None:
    """Give rows a load again whose load, or whose mark of it, was among what was missing.

    dbt reads rows by finished loads: without this it would never see them.
    """
    unmarked = [gone.table for gone in missing if gone.schema == tables.dataset and gone.column == LOAD_ID]
    loads = sql.Identifier(tables.dataset, LOADS)
    with database.transaction() as cursor:
        for table in unmarked:
            cursor.execute(
                sql.SQL("update {} set {column} = %s where {column} is null").format(
                    sql.Identifier(tables.dataset, table), column=sql.Identifier(LOAD_ID)
                ),
                [str(time.time())],
            )
        is_every_load_gone = Missing(tables.dataset, LOADS) in missing
        for table in (
            [each.name for each in tables.merged + tables.copied] if is_every_load_gone else unmarked
        ):
            cursor.execute(
                sql.SQL(
                    """
                    insert into {loads} (load_id, schema_name, status, inserted_at, schema_version_hash)
                    select distinct
                        {column}, %s, 0, to_timestamp(cast({column} as double precision)), %s
                    from {table}
                    where {column} not in (select load_id from {loads})
                    """
                ).format(
                    loads=loads,
                    table=sql.Identifier(tables.dataset, table),
                    column=sql.Identifier(LOAD_ID),
                ),
                [pipeline.default_schema.name, pipeline.default_schema.stored_version_hash],
            )


def tell_of(database: Database, tables: Tables, missing: list[Missing]) -> None:
    """Say what was lost, and forget that it was looked at: a push waits for the next complete look."""
    lost = [gone for gone in missing if gone.schema == tables.dataset]
    if lost:
        logger.warning(
            "%s had been dropped and was made again, without the rows that it had. What dbt has made of them"
            " stands until it is made anew; a backup, the next syncs and an import of your history bring back"
            " what they hold",
            ", ".join(map(str, lost)),
        )
        forget_checks(database, {gone.table for gone in lost})
    elif missing:
        logger.warning(
            "%s had been dropped and was made again; it holds nothing", ", ".join(map(str, missing))
        )


def _put_away_keyless(database: Database, tables: Tables, missing: list[Missing]) -> None:
    suffix = f"_damaged_{real_now():%Y%m%dt%H%M%Sz}"
    for table in tables.merged + tables.copied:
        lost = [
            gone for gone in missing if gone[:2] == (tables.dataset, table.name) and gone.column in table.key
        ]
        if not lost:
            continue
        with database.transaction() as cursor:
            # its indexes go with it: the new ones have the same names
            cursor.execute(
                "select indexname from pg_indexes where schemaname = %s and tablename = %s",
                [tables.dataset, table.name],
            )
            named = [("index", index) for (index,) in cursor.fetchall()]
            for kind, name in [*named, ("table", table.name)]:
                cursor.execute(
                    sql.SQL("alter {} {} rename to {}").format(
                        sql.SQL(kind),
                        sql.Identifier(tables.dataset, name),
                        sql.Identifier(f"{name}{suffix}"),
                    )
                )
        logger.warning(
            "%s.%s has lost its key (%s): with its rows it is called %s%s now",
            tables.dataset,
            table.name,
            ", ".join(gone.column or "" for gone in lost),
            table.name,
            suffix,
        )
