"""Makes raw tables and columns again that somebody dropped.

While dlt finds its schema's fingerprint in `_dlt_version` it creates nothing, so a dropped table would be
missing for good. Here dlt is told to compare its schema with the tables themselves.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, cast

from dlt.common.schema import Schema
from psycopg2 import sql

from extract.loading.export_tables import IMPORT_FILES, STREAMING_HISTORY
from extract.loading.source_checks import forget_checks
from extract.loading.standing import LOADS, VERSIONS, Missing
from extract.loading.tables import LOAD_ID
from profiles.clock import real_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dlt
    from dlt.common.destination.client import WithStagingDataset, WithStateSync

    from extract.loading.tables import RawTable, TableGroup
    from profiles.database import Database

logger = logging.getLogger(__name__)


def dropped_parts(pipeline: dlt.Pipeline, missing: list[Missing], *, is_folder_new: bool) -> list[Missing]:
    """Return those missing parts that existed once. The others belong to a newer version of this program.

    dlt's schema in the database tells what existed: the working folder may be new, as after the restore of a
    backup. Without that record the schema in the working folder tells; a new folder knows of no table.
    """
    if not missing:
        return []
    with pipeline.destination_client() as client:
        stored = cast("WithStateSync", client).get_stored_schema(pipeline.default_schema.name)
    if stored is None and is_folder_new:
        return []
    schema = Schema.from_stored_schema(json.loads(stored.schema)) if stored else pipeline.default_schema
    return [
        part
        for part in missing
        if (table := schema.tables.get(part.table)) and (not part.column or part.column in table["columns"])
    ]


def make_again(pipeline: dlt.Pipeline, database: Database, group: TableGroup, missing: list[Missing]) -> None:
    """Let dlt create the missing parts. Columns come back empty in the rows that exist. Raises DltException.

    A table that lost a column of its key is renamed first, because nothing can be merged into it any more.
    """
    _rename_tables_without_key(database, group, missing)
    with pipeline.destination_client() as client:
        # existing rows have no value in a column that comes back, so it must accept nulls this once
        relaxed = pipeline.default_schema.clone().to_dict()
        for schema, table, column in missing:
            if column and schema == group.dataset:
                relaxed["tables"][table]["columns"][column]["nullable"] = True
        client.schema = Schema.from_dict(cast("dict[str, Any]", relaxed))
        client.initialize_storage()
        client.update_stored_schema(force=True)
        merged = [table.name for table in group.tables if not table.is_copied]
        with cast("WithStagingDataset", client).with_staging_dataset():
            client.initialize_storage()
            client.update_stored_schema([VERSIONS, *merged], force=True)


def restore_load_ids(
    pipeline: dlt.Pipeline, database: Database, group: TableGroup, missing: list[Missing]
) -> None:
    """Record a load for rows whose load id, or whose record of the load, was dropped.

    dbt reads rows of recorded loads alone: it would never see the others.
    """
    unmarked = [part.table for part in missing if part.schema == group.dataset and part.column == LOAD_ID]
    with database.transaction() as cursor:
        for table in unmarked:
            cursor.execute(
                sql.SQL("update {} set {column} = %s where {column} is null").format(
                    sql.Identifier(group.dataset, table), column=sql.Identifier(LOAD_ID)
                ),
                [str(time.time())],
            )
    if Missing(group.dataset, LOADS) in missing:
        record_loads(pipeline, database, group, [table.name for table in group.tables])
    else:
        record_loads(pipeline, database, group, unmarked)


def record_loads(
    pipeline: dlt.Pipeline, database: Database, group: TableGroup, tables: Iterable[str]
) -> None:
    """Record the loads of all rows in these tables that no recorded load covers."""
    with database.transaction() as cursor:
        for table in tables:
            cursor.execute(
                sql.SQL(
                    """
                    insert into {loads} (load_id, schema_name, status, inserted_at, schema_version_hash)
                    select distinct
                        {column}, %s, 0, to_timestamp(cast({column} as double precision)), %s
                    from {table}
                    where {column} not in (select load_id from {loads} where status = 0)
                    """
                ).format(
                    loads=sql.Identifier(group.dataset, LOADS),
                    table=sql.Identifier(group.dataset, table),
                    column=sql.Identifier(LOAD_ID),
                ),
                [pipeline.default_schema.name, pipeline.default_schema.stored_version_hash],
            )


def report_dropped(database: Database, group: TableGroup, dropped: list[Missing]) -> None:
    """Log what had been dropped, and forget the checks that relied on its rows.

    Without its check a source counts as not seen, so no playlist is pushed before the next complete sync.
    """
    with_rows = [part for part in dropped if part.schema == group.dataset]
    if with_rows:
        logger.warning(
            "%s had been dropped and was made again, without the rows that it had. What dbt has made of them"
            " stands until it is made anew; a backup, the next syncs and an import of your history bring back"
            " what they hold",
            ", ".join(map(str, with_rows)),
        )
        forget_checks(database, {part.table for part in with_rows})
        if any(part.table == STREAMING_HISTORY.name and _has_lost_rows(part) for part in with_rows):
            _forget_imported_files(database, group)
    elif dropped:
        logger.warning(
            "%s had been dropped and was made again; it holds nothing", ", ".join(map(str, dropped))
        )


def _has_lost_rows(part: Missing) -> bool:
    return part.column is None or part.column in STREAMING_HISTORY.key


def _forget_imported_files(database: Database, group: TableGroup) -> None:
    """Let every file be read again, because the rows that it brought are gone."""
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("update {} set reader_version = 0").format(
                sql.Identifier(group.dataset, IMPORT_FILES.name)
            )
        )


def _rename_tables_without_key(database: Database, group: TableGroup, missing: list[Missing]) -> None:
    suffix = f"_damaged_{real_now():%Y%m%dt%H%M%Sz}"
    for table in group.tables:
        lost_key = [
            part.column
            for part in missing
            if (part.schema, part.table) == (group.dataset, table.name) and part.column in table.key
        ]
        if lost_key:
            _rename_with_indexes(database, group, table, suffix)
            logger.warning(
                "%s.%s has lost its key (%s): with its rows it is called %s%s now",
                group.dataset,
                table.name,
                ", ".join(filter(None, lost_key)),
                table.name,
                suffix,
            )


def _rename_with_indexes(database: Database, group: TableGroup, table: RawTable, suffix: str) -> None:
    """Rename a table and its indexes: those of the table that replaces it have the same names."""
    with database.transaction() as cursor:
        cursor.execute(
            "select indexname from pg_indexes where schemaname = %s and tablename = %s",
            [group.dataset, table.name],
        )
        for kind, name in [*(("index", index) for (index,) in cursor.fetchall()), ("table", table.name)]:
            cursor.execute(
                sql.SQL("alter {} {} rename to {}").format(
                    sql.SQL(kind),
                    sql.Identifier(group.dataset, name),
                    sql.Identifier(f"{name}{suffix}"),
                )
            )
