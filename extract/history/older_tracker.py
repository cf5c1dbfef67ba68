"""Imports an older tracker's PostgreSQL database into `raw_export.tracker_*`, without writing to it.

Its `plays` are stored beside the rows of exports, `playlist_mappings` and `excluded_tracks` as they are.
Missing columns are null, and columns that we do not know go into `payload`.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
from psycopg2 import sql

from extract.history import known_files
from extract.history.arrow_rows import ArrowRows, arrow_schema
from extract.history.import_lock import exclusive_loader
from extract.history.import_report import FileReport, ImportReport
from extract.history.older_database import (
    batches_of,
    columns_of,
    connect_read_only,
    json_value,
    other_columns,
    text_of,
    utc_time,
)
from extract.history.reader import FileInProgress
from extract.loading.export_tables import (
    DATASET,
    TRACKER_EXCLUSIONS,
    TRACKER_PLAYLISTS,
    TRACKER_PLAYS,
)
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from pydantic import SecretStr

    from extract.loading.loader import Loader
    from extract.loading.tables import RawTable, Row
    from profiles.database import Database
    from profiles.session import Session

PLAY_COLUMNS = ("track_id", "played_at", "track_name", "artist_name", "album_name", "duration_ms")


def import_tracker(session: Session, *, url: SecretStr | None = None) -> ImportReport:
    """Copy an older tracker's plays, playlist rules and exclusions. A second import adds only new rows.

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
    with closing(connect_read_only(address.get_secret_value())) as old, exclusive_loader(session) as loader:
        files = (
            _import_plays(old, loader, session.database),
            _import_small(old, loader, session.database, "playlist_mappings", TRACKER_PLAYLISTS),
            _import_small(old, loader, session.database, "excluded_tracks", TRACKER_EXCLUSIONS),
        )
    return ImportReport("older tracker", files, seconds=time.monotonic() - began)


def _import_plays(old: Connection, loader: Loader, database: Database) -> FileReport:
    columns = columns_of(old, "plays")
    if not {"played_at"} <= set(columns):
        reason = "it has no such table" if not columns else "it has no column played_at"
        return FileReport("plays", "rejected", reason)
    file = FileInProgress("plays")
    hashes = known_files.StoredHashes(database, TRACKER_PLAYS)

    def new_plays() -> Iterator[pa.Table]:
        for rows in batches_of(old, "plays", columns):
            plays = [play for row in rows if (play := _play(row)) is not None]
            table = pa.Table.from_pylist(plays, schema=arrow_schema(TRACKER_PLAYS))
            file.add_times(table["played_at"])
            file.reject_reasons["no usable time"] += len(rows) - len(plays)
            new = hashes.take_new(table)
            file.new["track"] += new.num_rows
            if new.num_rows:
                yield new

    stream = new_plays()
    if (first := next(stream, None)) is not None:
        loader.load_all({TRACKER_PLAYS: ArrowRows(TRACKER_PLAYS, chain([first], stream))})
    missing = [name for name in PLAY_COLUMNS if name not in columns]
    rejected = file.reject_reasons.total()
    file.outcome = "partial" if missing or rejected else "loaded"
    file.reason = _reason_for(missing, rejected)
    return replace(file.report(), format="tracker")


def _play(row: Mapping[str, Any]) -> Row | None:
    played_at = utc_time(row["played_at"])
    if played_at is None:
        return None
    duration = row.get("duration_ms")
    play: Row = {
        "track_id": text_of(row.get("track_id")),
        "played_at": played_at,
        "track_name": text_of(row.get("track_name")),
        "artist_name": text_of(row.get("artist_name")),
        "album_name": text_of(row.get("album_name")),
        "duration_ms": int(duration) if isinstance(duration, (int, float, Decimal)) else None,
    }
    # names stand for a missing id, so that two local files of one second stay two plays
    content = play["track_id"] or f"{play['track_name']}\x1f{play['artist_name']}"
    identity = f"{content}\x1f{int(played_at.timestamp() * 1_000_000)}"
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    play["row_hash"] = int.from_bytes(digest, "little", signed=True)
    play["payload"] = orjson.dumps(other_columns(row, PLAY_COLUMNS)).decode()
    return play


def _import_small(
    old: Connection, loader: Loader, database: Database, source: str, table: RawTable
) -> FileReport:
    columns, key = columns_of(old, source), table.key[0]
    if key not in columns:
        reason = f"it has no column {key}" if columns else "it has no such table"
        return FileReport(source, "rejected", reason)
    now = datetime.now(UTC)
    named = [name for name in table.columns if name not in ("payload", "imported_at")]
    stored = _stored(database, table)
    rows: dict[str, Row] = {}
    read = rejected = 0
    for page in batches_of(old, source, columns):
        for row in page:
            read += 1
            identity = text_of(row[key])
            if identity is None:
                rejected += 1
                continue
            kept: Row = {column: json_value(row.get(column)) for column in named if column != key}
            rows[identity] = {key: identity, **kept, "payload": other_columns(row, named), "imported_at": now}
    changed = [row for row in rows.values() if stored.get(row[key]) != _comparable(row)]
    loader.load_all({table: changed})
    added = sum(row[key] not in stored for row in changed)
    missing = [name for name in named if name not in columns]
    remark = _reason_for(missing, rejected)
    if updated := len(changed) - added:
        remark = "; ".join(filter(None, [remark, f"{updated:,} changed since the last import"]))
    return FileReport(
        source,
        "partial" if missing or rejected else "loaded",
        remark,
        "tracker",
        rows_read=read,
        new={source: added},
        duplicates=read - added - rejected,
        rejected=rejected,
    )


def _stored(database: Database, table: RawTable) -> dict[str, bytes]:
    """The stored rows by key, so that only changed ones are written."""
    names = [name for name in table.columns if name != "imported_at"]
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("select {} from {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(DATASET, table.name)
            )
        )
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row[table.key[0]]: _comparable(row) for row in rows}


def _comparable(row: Mapping[str, Any]) -> bytes:
    content = {name: value for name, value in row.items() if name != "imported_at"}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _reason_for(missing: list[str], rejected: int) -> str | None:
    reasons = []
    if missing:
        reasons.append(f"it has no column {', '.join(missing)}")
    if rejected:
        reasons.append(f"{rejected:,} rows without a usable time or key")
    return "; ".join(reasons) or None
