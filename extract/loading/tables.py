"""The tables of `raw_spotify`: their columns, keys and the schema contract that each resource carries.

The payload is one jsonb column, so a field that Spotify adds or drops never reaches the schema: the
contract can be strict where it guards us (our own few columns) without ever failing a load for what the API
does. The contract stands on the resources: one on the source would be overridden by their column hints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import dlt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dlt.common.schema.typing import TColumnSchema, TSchemaContract
    from dlt.extract import DltResource

DATASET = "raw_spotify"
LOAD_ID = "_dlt_load_id"

Row: TypeAlias = dict[str, Any]
FILLED = "filled_payload"
ColumnType: TypeAlias = Literal["text", "timestamp", "bigint", "bool", "json"]

API_CONTRACT: TSchemaContract = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
UPGRADE: TSchemaContract = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


@dataclass(frozen=True, eq=False)
class RawTable:
    """One raw table: `columns` in order with their types, a unique `key`, the columns that may be null.

    Rows are merged by their key. A row marked `is_gone` takes its stored counterpart away and is itself never
    stored: only the tables of playlists, which are views of *now*, have that column. A table that grows for
    ever `is_read_by_load`: dbt asks it for the rows of new loads alone, by index. Where `payload` is replaced
    by later answers, `filled_payload` keeps what those lack (see `filling`): null where they lack nothing.
    """

    name: str
    columns: Mapping[str, ColumnType]
    key: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    is_read_by_load: bool = False

    @property
    def indexes(self) -> dict[str, tuple[str, ...]]:
        """Columns of each index beside the unique key, by its name."""
        return {f"{self.name}_load": (LOAD_ID,)} if self.is_read_by_load else {}

    def key_of(self, row: Row) -> str:
        """The row's key as one readable text."""
        return " ".join(str(row.get(name)) for name in self.key)

    def hints(self) -> dict[str, TColumnSchema]:
        """Full column hints, so that the table can be made before its first row."""
        hints: dict[str, TColumnSchema] = {}
        for name, data_type in self.columns.items():
            hints[name] = {"name": name, "data_type": data_type, "nullable": name in self.optional}
            if name == "is_gone":
                hints[name]["hard_delete"] = True
        return hints

    def resource(self, pages: Iterator[object], *, known: Collection[str]) -> DltResource:
        """A dlt resource that yields the pages (lists of rows, or a schema mark) into this table.

        `known` are the columns that dlt knows of the table. Where one of ours is not among them, the table is
        of an earlier version and gets it.
        """
        resource: DltResource = dlt.resource(
            pages,
            name=self.name,
            primary_key=self.key,
            # not `upsert`: run again after a kill it would insert the `is_gone` marks themselves
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            columns=self.hints(),
            schema_contract=API_CONTRACT if self.columns.keys() <= set(known) else UPGRADE,
        )
        return resource


LIKED_TRACKS = RawTable(
    "liked_tracks",
    {"track_id": "text", "added_at": "timestamp", "payload": "json", FILLED: "json"},
    ("track_id",),
    optional=frozenset({FILLED}),
)
SAVED_ALBUMS = RawTable(
    "saved_albums",
    {"album_id": "text", "added_at": "timestamp", "payload": "json", FILLED: "json"},
    ("album_id",),
    optional=frozenset({FILLED}),
)
# Append-only. The key makes a load that is run again after a kill add nothing.
LIBRARY_REMOVALS = RawTable(
    "library_removals",
    {"kind": "text", "id": "text", "added_at": "timestamp", "event": "text", "noticed_at": "timestamp"},
    ("kind", "id", "added_at", "event", "noticed_at"),
)
RECENTLY_PLAYED = RawTable(
    "recently_played",
    {"played_at": "timestamp", "track_uri": "text", "payload": "json"},
    ("played_at", "track_uri"),
    is_read_by_load=True,
)
PLAYLISTS = RawTable(
    "playlists",
    {"playlist_id": "text", "snapshot_id": "text", "payload": "json", FILLED: "json", "is_gone": "bool"},
    ("playlist_id",),
    optional=frozenset({"snapshot_id", "payload", FILLED, "is_gone"}),
)
PLAYLIST_ITEMS = RawTable(
    "playlist_items",
    {
        "playlist_id": "text",
        "position": "bigint",
        "snapshot_id": "text",
        "uri": "text",
        "added_at": "timestamp",
        "payload": "json",
        FILLED: "json",
        "is_gone": "bool",
    },
    ("playlist_id", "position"),
    optional=frozenset({"snapshot_id", "uri", "added_at", "payload", FILLED, "is_gone"}),
)
PROFILE = RawTable("profile", {"account_id": "text", "payload": "json"}, ("account_id",))

# Written only where the answer differs from the stored one: `checked_at` is when it became what it is, and
# `ops.catalog_checks` holds when it was last asked for.
TRACK_AVAILABILITY = RawTable(
    "track_availability",
    {
        "track_id": "text",
        "market": "text",
        "is_playable": "bool",
        "reason": "text",
        "linked_id": "text",
        "checked_at": "timestamp",
        "payload": "json",
    },
    ("track_id", "market"),
    optional=frozenset({"is_playable", "reason", "linked_id", "payload"}),
)
ARTISTS = RawTable(
    "artists",
    {"artist_id": "text", "payload": "json", FILLED: "json", "fetched_at": "timestamp"},
    ("artist_id",),
    optional=frozenset({FILLED}),
)
ARTIST_ALBUMS = RawTable(
    "artist_albums",
    {"album_id": "text", "artist_id": "text", "payload": "json", FILLED: "json", "fetched_at": "timestamp"},
    ("album_id",),
    optional=frozenset({FILLED}),
)

# One pipeline, one working folder and one lock per group: two pipelines of one name corrupt each other, and
# two pipelines that share a table would empty each other's staging table.
GROUPS: Mapping[str, tuple[RawTable, ...]] = {
    "library": (LIKED_TRACKS, SAVED_ALBUMS, LIBRARY_REMOVALS),
    "listening": (RECENTLY_PLAYED,),
    "playlists": (PLAYLISTS, PLAYLIST_ITEMS),
    "account": (PROFILE,),
    "catalog": (TRACK_AVAILABILITY, ARTISTS, ARTIST_ALBUMS),
}
