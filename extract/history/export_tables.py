"""The tables of `raw_export`: columns, keys, and how rows come into them.

Large tables are appended to, by COPY, with rows that were compared with the stored ones beforehand; a unique
`row_hash` is the last guard. Small ones are merged on their key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from extract.history.columns import SCHEMA
from extract.loading.tables import LOAD_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlt.common.schema.typing import TColumnSchema

DATASET = "raw_export"
Row: TypeAlias = dict[str, Any]
ColumnType: TypeAlias = Literal["text", "timestamp", "bigint", "bool", "json"]

_TYPES: dict[pa.DataType, ColumnType] = {
    pa.string(): "text",
    pa.int64(): "bigint",
    pa.bool_(): "bool",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


@dataclass(frozen=True, eq=False)
class CopiedTable:
    """A table that is appended to. `schema` has `row_hash` first; `required` columns are never null."""

    name: str
    schema: pa.Schema
    required: frozenset[str]
    json_columns: frozenset[str] = frozenset()
    key: tuple[str, ...] = ("row_hash",)

    def hints(self) -> dict[str, TColumnSchema]:
        """Full column hints: file imports bring no schema of their own."""
        columns: dict[str, TColumnSchema] = {
            column.name: {
                "name": column.name,
                "data_type": "json" if column.name in self.json_columns else _TYPES[column.type],
                "nullable": column.name not in self.required,
            }
            for column in self.schema
        }
        columns["row_hash"]["unique"] = True
        columns[LOAD_ID] = {"name": LOAD_ID, "data_type": "text", "nullable": False}
        return columns


@dataclass(frozen=True, eq=False)
class MergedTable:
    """A small table, merged on `key`: loading a row again changes nothing. `optional` columns may be null."""

    name: str
    columns: Mapping[str, ColumnType]
    key: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    def hints(self) -> dict[str, TColumnSchema]:
        """Full column hints, so that the table can be made before its first row."""
        return {
            name: {"name": name, "data_type": data_type, "nullable": name in self.optional}
            for name, data_type in self.columns.items()
        }


STREAMING_HISTORY = CopiedTable(
    "streaming_history",
    SCHEMA,
    frozenset({"row_hash", "file_id", "row_number", "format", "era", "kind", "ts", "is_minute_precision"}),
)
TRACKER_PLAYS = CopiedTable(
    "tracker_plays",
    pa.schema(
        [
            ("row_hash", pa.int64()),
            ("track_id", pa.string()),
            ("played_at", pa.timestamp("us", tz="UTC")),
            ("track_name", pa.string()),
            ("artist_name", pa.string()),
            ("album_name", pa.string()),
            ("duration_ms", pa.int64()),
            ("payload", pa.string()),
        ]
    ),
    frozenset({"row_hash", "played_at", "payload"}),
    json_columns=frozenset({"payload"}),
)
IMPORT_FILES = MergedTable(
    "import_files",
    {
        "file_id": "bigint",
        "sha256": "text",
        "name": "text",
        "size_bytes": "bigint",
        "format": "text",
        "is_video": "bool",
        "outcome": "text",
        "reason": "text",
        "row_count": "bigint",
        "play_count": "bigint",
        "podcast_count": "bigint",
        "audiobook_count": "bigint",
        "unknown_count": "bigint",
        "duplicate_count": "bigint",
        "rejected_count": "bigint",
        "unknown_keys": "json",
        "first_at": "timestamp",
        "last_at": "timestamp",
        "reader_version": "bigint",
        "imported_at": "timestamp",
    },
    ("file_id",),
    optional=frozenset({"format", "reason", "first_at", "last_at"}),
)
REJECTED_ROWS = MergedTable(
    "rejected_rows",
    {
        "file_id": "bigint",
        "row_number": "bigint",
        "reason": "text",
        "row_text": "text",
        "rejected_at": "timestamp",
    },
    ("file_id", "row_number"),
)
TRACKER_PLAYLISTS = MergedTable(
    "tracker_playlists",
    {
        "slug": "text",
        "name": "text",
        "playlist_id": "text",
        "rules": "json",
        "payload": "json",
        "imported_at": "timestamp",
    },
    ("slug",),
    optional=frozenset({"name", "playlist_id", "rules"}),
)
TRACKER_EXCLUSIONS = MergedTable(
    "tracker_exclusions",
    {"track_id": "text", "payload": "json", "imported_at": "timestamp"},
    ("track_id",),
)
COPIED = (STREAMING_HISTORY, TRACKER_PLAYS)
MERGED = (IMPORT_FILES, REJECTED_ROWS, TRACKER_PLAYLISTS, TRACKER_EXCLUSIONS)
