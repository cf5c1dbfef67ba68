"""`import_tracker`: an older tracker's PostgreSQL → `raw_export.tracker_*`, read-only on its side.

Its `plays` become rows beside those of the exports, its `playlist_mappings` and `excluded_tracks` are kept as
they are. Its naive timestamps are UTC. Columns that it lacks are null, columns that we do not know go into
`payload`.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import psycopg2
import pyarrow as pa
from psycopg2 import sql

from extract.history import known_files
from extract.history.copy_load import exclusive_loader
from extract.history.export_tables import TRACKER_EXCLUSIONS, TRACKER_PLAYLISTS, TRACKER_PLAYS
from extract.history.formats import PERSONAL_KEYS
from extract.history.import_report import FileReport, ImportReport
from profiles.errors import SettingsError, TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from pydantic import SecretStr

    from extract.history.copy_load import Loader
    from extract.history.export_tables import MergedTable, Row
    from profiles.database import Database
    from profiles.session import Session

BATCH_ROWS = 10_000
PLAY_COLUMNS = ("track_id", "played_at", "track_name", "artist_name", "album_name", "duration_ms")
_SECRET_NAME = re.compile(r"token|secret|password|e?mail", re.IGNORECASE)


class TrackerUnreachableError(TrackerError):
    """The older tracker's database cannot be read."""


def is_address(text: str) -> bool:
    """Say whether a text is a database's address: it may hold a password, and everybody sees arguments."""
    return urlsplit(text).scheme.startswith("postgres") or "password=" in text


def import_tracker(session: Session, *, url: SecretStr | None = None) -> ImportReport:
    """Copy an older tracker's plays, playlist rules and exclusions. Once more adds only what is new there.

    `url` defaults to the setting TRACKER_IMPORT_URL. Missing tables and columns are named in the report.

    Raises SettingsError (no address), TrackerUnreachableError, ImportRunningError, LoadFailed.
    """
    began = time.monotonic()
    address = url or session.settings.tracker_import_url
    if address is None:
        raise SettingsError(
            "TRACKER_IMPORT_URL is not set.",
            remedy="Put the older tracker's address, postgresql://user:password@host/database, into .env.",
        )
    with closing(_connect(address.get_secret_value())) as old, exclusive_loader(session) as loader:
        files = (
            _import_plays(old, loader, session.database),
            _import_small(old, loader, session.database, "playlist_mappings", TRACKER_PLAYLISTS),
            _import_small(old, loader, session.database, "excluded_tracks", TRACKER_EXCLUSIONS),
        )
    return ImportReport("older tracker", files, seconds=time.monotonic() - began)


def _connect(address: str) -> Connection:
    try:
        connection = psycopg2.connect(address, connect_timeout=10, application_name="spotify-tracker import")
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
    except psycopg2.Error as error:
        # libpq's own words can repeat parts of the address
        raise TrackerUnreachableError(
            f"The older tracker's database cannot be reached ({type(error).__name__}).",
            remedy="Check TRACKER_IMPORT_URL, and that the server allows connections from here.",
        ) from None
    return connection


def _columns(old: Connection, table: str) -> list[str]:
    """The table's columns, in the first schema of the search path that has it; none where it is missing."""
    with old.cursor() as cursor:
        cursor.execute(
            "select attname from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def _import_plays(old: Connection, loader: Loader, database: Database) -> FileReport:
    columns = _columns(old, "plays")
    if not {"played_at"} <= set(columns):
        reason = "it has no such table" if not columns else "it has no column played_at"
        return FileReport("plays", "rejected", reason)
    counts = _Counts()
    seen = known_files.SeenRows(database, TRACKER_PLAYS)

    def tables() -> Iterator[pa.Table]:
        for rows in _pages(old, "plays", columns):
            fresh = seen.take_new(counts.kept(rows))
            counts.new += fresh.num_rows
            if fresh.num_rows:
                yield fresh

    stream = tables()
    if (first := next(stream, None)) is not None:
        loader.load({TRACKER_PLAYS: _chained(first, stream)})
    missing = [name for name in PLAY_COLUMNS if name not in columns]
    return FileReport(
        "plays",
        "partial" if missing or counts.rejected else "loaded",
        _told(missing, counts.rejected),
        "tracker",
        rows_read=counts.read,
        new={"track": counts.new},
        duplicates=counts.read - counts.new - counts.rejected,
        rejected=counts.rejected,
        first_at=counts.first_at,
        last_at=counts.last_at,
    )


class _Counts:
    """What was read of the plays so far."""

    def __init__(self) -> None:
        self.read = self.new = self.rejected = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def kept(self, rows: list[dict[str, Any]]) -> pa.Table:
        """The rows that have a time, as columns."""
        self.read += len(rows)
        plays = [play for row in rows if (play := _play(row)) is not None]
        self.rejected += len(rows) - len(plays)
        times = [play["played_at"] for play in plays]
        self.first_at = min([*times, *([self.first_at] if self.first_at else [])], default=None)
        self.last_at = max([*times, *([self.last_at] if self.last_at else [])], default=None)
        return pa.Table.from_pylist(plays, schema=TRACKER_PLAYS.schema)


def _play(row: Mapping[str, Any]) -> Row | None:
    played_at = _utc(row["played_at"])
    if played_at is None:
        return None
    duration = row.get("duration_ms")
    play: Row = {
        "track_id": _text(row.get("track_id")),
        "played_at": played_at,
        "track_name": _text(row.get("track_name")),
        "artist_name": _text(row.get("artist_name")),
        "album_name": _text(row.get("album_name")),
        "duration_ms": int(duration) if isinstance(duration, (int, float, Decimal)) else None,
    }
    # a track of unknown id is told apart by its names, so that two local files of one second stay two
    content = play["track_id"] or f"{play['track_name']}\x1f{play['artist_name']}"
    marked = f"{content}\x1f{int(played_at.timestamp() * 1_000_000)}"
    digest = hashlib.blake2b(marked.encode(), digest_size=8).digest()
    play["row_hash"] = int.from_bytes(digest, "little", signed=True)
    play["payload"] = orjson.dumps(_rest(row, PLAY_COLUMNS)).decode()
    return play


def _import_small(
    old: Connection, loader: Loader, database: Database, source: str, table: MergedTable
) -> FileReport:
    columns, key = _columns(old, source), table.key[0]
    if key not in columns:
        reason = f"it has no column {key}" if columns else "it has no such table"
        return FileReport(source, "rejected", reason)
    now = datetime.now(UTC)
    named = [name for name in table.columns if name not in ("payload", "imported_at")]
    stored = _stored(database, table)
    rows: dict[str, Row] = {}
    read = rejected = 0
    for page in _pages(old, source, columns):
        for row in page:
            read += 1
            identity = _text(row[key])
            if identity is None:
                rejected += 1
                continue
            kept: Row = {column: _plain(row.get(column)) for column in named if column != key}
            rows[identity] = {key: identity, **kept, "payload": _rest(row, named), "imported_at": now}
    changed = [row for row in rows.values() if stored.get(row[key]) != _comparable(row)]
    loader.load(merged={table: changed})
    added = sum(row[key] not in stored for row in changed)
    missing = [name for name in named if name not in columns]
    told = _told(missing, rejected)
    if updated := len(changed) - added:
        told = "; ".join(filter(None, [told, f"{updated:,} changed since the last import"]))
    return FileReport(
        source,
        "partial" if missing or rejected else "loaded",
        told,
        "tracker",
        rows_read=read,
        new={source: added},
        duplicates=read - added - rejected,
        rejected=rejected,
    )


def _stored(database: Database, table: MergedTable) -> dict[str, bytes]:
    """What is stored, by key, to write changed rows alone."""
    names = [name for name in table.columns if name != "imported_at"]
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("select {} from {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier("raw_export", table.name)
            )
        )
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row[table.key[0]]: _comparable(row) for row in rows}


def _comparable(row: Mapping[str, Any]) -> bytes:
    content = {name: value for name, value in row.items() if name != "imported_at"}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _pages(old: Connection, table: str, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The rows by a cursor on the server's side, so that a long table is never held whole."""
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


def _chained(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


def _rest(row: Mapping[str, Any], named: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """The columns that have none of their own here, without network data and secrets."""
    return {
        name: _plain(value)
        for name, value in row.items()
        if name not in named and name not in PERSONAL_KEYS and not _SECRET_NAME.search(name)
    }


def _plain(value: Any) -> Any:
    """A value of PostgreSQL as JSON has it; times in UTC, NUL taken out of escapes by PostgreSQL already."""
    if isinstance(value, datetime):
        moment = _utc(value)
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


def _utc(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _told(missing: list[str], rejected: int) -> str | None:
    told = []
    if missing:
        told.append(f"it has no column {', '.join(missing)}")
    if rejected:
        told.append(f"{rejected:,} rows without a usable time or key")
    return "; ".join(told) or None
