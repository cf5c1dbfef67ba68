"""Exports every table of ours except the sign-in as Parquet or CSV, for reading elsewhere.

All tables are read in one snapshot, so they fit together. Rows go by in batches, so memory stays small.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

from profiles.clock import real_now
from profiles.database import our_tables
from profiles.database.private_files import make_folder
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.database.our_tables import Table

Format = Literal["parquet", "csv"]
Tell = Callable[[str, int], None]  # a table's name, its rows

MANIFEST = "manifest.json"
BATCH_ROWS = 20_000
LARGEST_DECIMAL_DIGITS = 38
VARLENA_HEADER = 4  # PostgreSQL keeps numeric(p, s) as ((p << 16) | s) + 4

_COLUMNS = """
    select attributes.attname, types.typname, attributes.atttypmod,
        format_type(types.oid, attributes.atttypmod)
    from pg_attribute as attributes
    inner join pg_type as types on attributes.atttypid = types.oid
    where attributes.attrelid = %s and attributes.attnum > 0 and not attributes.attisdropped
    order by attributes.attnum
"""
_PLAIN = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "bytea": pa.binary(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp": pa.timestamp("us"),
    "_text": pa.list_(pa.string()),
    "_varchar": pa.list_(pa.string()),
    "_int4": pa.list_(pa.int32()),
    "_int8": pa.list_(pa.int64()),
    "_float8": pa.list_(pa.float64()),
    "_bool": pa.list_(pa.bool_()),
}


@dataclass(frozen=True)
class Column:
    """A column: its type in PostgreSQL and in Arrow, and the SQL expression that converts it."""

    name: str
    sql_type: str
    arrow_type: pa.DataType
    expression: sql.Composable


@dataclass(frozen=True)
class Export:
    """An export that was written. `rows` has the number of rows by `schema.table`."""

    folder: Path
    file_format: Format
    rows: dict[str, int]


def export(
    database: Database, folder: Path, *, file_format: Format = "parquet", tell: Tell | None = None
) -> Export:
    """Write `schema/table.parquet` (or .csv) for every table, and a manifest with columns and row counts.

    The folder must be new or empty; it appears when everything is written. `tell` is called after each table
    with its name and its number of rows. Raises InputError.
    """
    folder = folder.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty.", remedy="Name a folder that is new or empty.")
    make_folder(folder.parent)
    draft = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(draft, ignore_errors=True)
    make_folder(draft)
    try:
        rows = _write_all(database, draft, file_format, tell or (lambda _name, _rows: None))
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Export(folder, file_format, rows)


def _write_all(database: Database, folder: Path, file_format: Format, tell: Tell) -> dict[str, int]:
    write = _write_parquet if file_format == "parquet" else _write_csv
    described: list[dict[str, Any]] = []
    with closing(database.connect()) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            wanted = _wanted(cursor)
            for table in wanted:
                columns = _columns(cursor, table)
                file = make_folder(folder / table.schema) / f"{table.name}.{file_format}"
                file.touch(mode=0o600)
                rows = write(connection, table, columns, file)
                described.append(
                    {
                        "table": str(table),
                        "file": file.relative_to(folder).as_posix(),
                        "rows": rows,
                        "columns": {column.name: column.sql_type for column in columns},
                    }
                )
                tell(str(table), rows)
    manifest = folder / MANIFEST
    manifest.touch(mode=0o600)
    content = {
        "exported_at": real_now().isoformat(timespec="seconds"),
        "format": file_format,
        "times": "UTC",
        "left_out": list(our_tables.SECRET_TABLES),
        "tables": described,
    }
    manifest.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    return {one["table"]: one["rows"] for one in described}


def _wanted(cursor: psycopg2.extensions.cursor) -> list[Table]:
    everything = our_tables.tables(cursor, our_tables.SCHEMAS, views=True)
    return [
        table
        for table in everything
        # views of staging and intermediate only repeat raw rows; those of analytics are for people
        if str(table) not in our_tables.SECRET_TABLES and (not table.is_view or table.schema == "analytics")
    ]


def _columns(cursor: psycopg2.extensions.cursor, table: Table) -> list[Column]:
    cursor.execute(_COLUMNS, [table.oid])
    return [
        Column(name, described, *_conversion(sql.Identifier(name), type_name, modifier))
        for name, type_name, modifier, described in cursor.fetchall()
    ]


def _conversion(column: sql.Identifier, type_name: str, modifier: int) -> tuple[pa.DataType, sql.Composable]:
    """Return the Arrow type of a column, and the SQL expression whose values fit it."""
    if type_name in {"timestamptz", "timestamp", "date"}:
        # neither Python nor Parquet has infinity
        return _PLAIN[type_name], sql.SQL("case when isfinite({0}) then {0} end").format(column)
    if type_name in _PLAIN:
        return _PLAIN[type_name], column
    if type_name == "numeric":
        digits, scale = (modifier - VARLENA_HEADER) >> 16, (modifier - VARLENA_HEADER) & 0x7FF
        if modifier > 0 and scale <= digits <= LARGEST_DECIMAL_DIGITS:
            return pa.decimal128(digits, scale), column
        # a numeric without a precision may hold anything; readers want a number
        return pa.float64(), sql.SQL("{}::double precision").format(column)
    return pa.string(), sql.SQL("{}::text").format(column)


def _write_parquet(
    connection: psycopg2.extensions.connection, table: Table, columns: Sequence[Column], file: Path
) -> int:
    schema = pa.schema([(column.name, column.arrow_type) for column in columns])
    count = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _batches(connection, table, columns):
            arrays = [
                pa.array(values, type=column.arrow_type)
                for values, column in zip(zip(*rows, strict=True), columns, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(rows)
    return count


def _batches(
    connection: psycopg2.extensions.connection, table: Table, columns: Sequence[Column]
) -> Iterator[list[tuple[Any, ...]]]:
    # a named cursor lives on the server, so a million rows are never in memory at once
    with connection.cursor("export") as cursor:
        cursor.execute(
            sql.SQL("select {} from {}").format(
                sql.SQL(", ").join(column.expression for column in columns), table.identifier
            )
        )
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield rows


def _write_csv(
    connection: psycopg2.extensions.connection, table: Table, columns: Sequence[Column], file: Path
) -> int:
    # COPY writes every type as PostgreSQL shows it, and distinguishes null from empty text
    copy = sql.SQL("copy (select {} from {}) to stdout with (format csv, header)").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns), table.identifier
    )
    with connection.cursor() as cursor, file.open("wb") as stream:
        cursor.copy_expert(copy, stream)
        return int(cursor.rowcount)
