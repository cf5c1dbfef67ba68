"""The database of an older tracker: read-only access, and its values as JSON has them. Its times are UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg2
from psycopg2 import sql

from extract.history.formats import PERSONAL_KEYS
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from psycopg2.extensions import connection as Connection  # noqa: N812

BATCH_ROWS = 10_000
_SECRET_NAME = re.compile(r"token|secret|password|e?mail", re.IGNORECASE)


class TrackerUnreachableError(TrackerError):
    """The older tracker's database cannot be read."""


def is_address(text: str) -> bool:
    """Whether a text is a database address: it may hold a password, and everybody sees arguments."""
    return urlsplit(text).scheme.startswith("postgres") or "password=" in text


def connect_read_only(address: str) -> Connection:
    """Open a connection that sees one state of the database and cannot write to it.

    Raises TrackerUnreachableError.
    """
    try:
        connection = psycopg2.connect(address, connect_timeout=10, application_name="spotify-tracker import")
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
    except psycopg2.Error as error:
        # libpq's message can contain parts of the address
        raise TrackerUnreachableError(
            f"The older tracker's database cannot be reached ({type(error).__name__}).",
            remedy="Check TRACKER_IMPORT_URL, and that the server allows connections from here.",
        ) from None
    return connection


def columns_of(old: Connection, table: str) -> list[str]:
    """Return the columns of a table, found by the search path. Empty where there is no such table."""
    with old.cursor() as cursor:
        cursor.execute(
            "select attname from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def batches_of(old: Connection, table: str, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in batches, from a cursor on the server: a table may be larger than the memory."""
    statement = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)
    )
    try:
        with old.cursor(name=f"read_{table}") as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield [dict(zip(columns, row, strict=True)) for row in rows]
    except psycopg2.Error as error:
        raise TrackerUnreachableError(
            f"The older tracker's table {table!r} cannot be read: {str(error).strip().splitlines()[0]}.",
            remedy="What was read before stays; import again when it can be read.",
        ) from None


def other_columns(row: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """Return the values of all columns that are not `named`, without network data and secrets."""
    return {
        name: json_value(value)
        for name, value in row.items()
        if name not in named and name not in PERSONAL_KEYS and not _SECRET_NAME.search(name)
    }


def json_value(value: Any) -> Any:
    """Return a value of PostgreSQL as JSON has it: times as ISO text in UTC, bytes as null."""
    if isinstance(value, datetime):
        moment = utc_time(value)
        return moment.isoformat() if moment else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, (bytes, memoryview)):
        return None
    if isinstance(value, (str, int, float, bool, list, dict)) or value is None:
        return value
    return str(value)


def utc_time(value: Any) -> datetime | None:
    """Return a time, or text that is one, in UTC; None for anything else. Without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_of(value: Any) -> str | None:
    """Return a value as text, None where it is null or empty."""
    return None if value is None or value == "" else str(value)
