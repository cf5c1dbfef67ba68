"""The tables of `raw_spotify`: their columns, their keys, and how a row comes into them.

Spotify's answer is one jsonb column, `payload`. A field that Spotify adds or drops never reaches the
schema, so the schema contract can be strict about our own few columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlt.common.schema.typing import TColumnSchema

DATASET = "raw_spotify"
LOAD_ID = "_dlt_load_id"
FILLED = "filled_payload"
IS_GONE = "is_gone"

Row: TypeAlias = dict[str, Any]
ColumnType: TypeAlias = Literal["text", "timestamp", "bigint", "bool", "json"]


@dataclass(frozen=True, eq=False)
class RawTable:
    """One raw table: `columns` in order with their types, a unique `key`, and the columns that may be null.

    Rows are merged by their key. Where `is_copied` is set they are appended instead, by COPY from a CSV file;
    the caller has compared them with the stored rows before. A row with `is_gone` deletes the stored row of
    its key and is not stored itself. dbt reads the rows of new loads alone where `is_read_by_load` is set, so
    such a table has an index of load ids. Later answers replace `payload`; `filled_payload` then keeps what
    the latest answer lacks (see `filling`), and is null where it lacks nothing.
    """

    name: str
    columns: Mapping[str, ColumnType]
    key: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    is_read_by_load: bool = False
    is_copied: bool = False

    @classmethod
    def declare(cls, name: str, columns: str, *, key: str, **flags: bool) -> RawTable:
        """Make a table of columns as `name type [null], …`, and of a key as `name …`."""
        words = [column.split() for column in columns.split(",")]
        types = {column: cast("ColumnType", data_type) for column, data_type, *_ in words}
        return cls(name, types, tuple(key.split()), frozenset(c for c, _, *null in words if null), **flags)

    def key_of(self, row: Row) -> str:
        """Return the row's key as one readable text."""
        return " ".join(str(row.get(name)) for name in self.key)

    def hints(self) -> dict[str, TColumnSchema]:
        """Return dlt's full column hints, so that the table can be made before its first row."""
        hints: dict[str, TColumnSchema] = {
            name: {"name": name, "data_type": data_type, "nullable": name in self.optional}
            for name, data_type in self.columns.items()
        }
        if IS_GONE in hints:
            hints[IS_GONE]["hard_delete"] = True
        if self.is_copied:  # dlt neither checks the rows of an imported file nor adds a column to them
            hints[self.key[0]]["unique"] = True
            hints[LOAD_ID] = {"name": LOAD_ID, "data_type": "text", "nullable": False}
        return hints


@dataclass(frozen=True, eq=False)
class TableGroup:
    """The tables that one dlt pipeline loads, with one working folder and one lock.

    Two pipelines of one name would damage each other's working folder, and two pipelines with a table in
    common would empty each other's staging table.
    """

    name: str
    dataset: str
    tables: tuple[RawTable, ...]

    @property
    def pipeline_name(self) -> str:
        """The name of the dlt pipeline, of its working folder and of its lock."""
        return f"spotify_{self.name}"

    @property
    def staging(self) -> str:
        """The schema that rows pass through before they are merged."""
        return f"{self.dataset}_staging"


LIKED_TRACKS = RawTable.declare(
    "liked_tracks",
    "track_id text, added_at timestamp, payload json, filled_payload json null",
    key="track_id",
)
SAVED_ALBUMS = RawTable.declare(
    "saved_albums",
    "album_id text, added_at timestamp, payload json, filled_payload json null",
    key="album_id",
)
# All columns are the key, so an event that is loaded again after a kill is stored once.
LIBRARY_REMOVALS = RawTable.declare(
    "library_removals",
    "kind text, id text, added_at timestamp, event text, noticed_at timestamp",
    key="kind id added_at event noticed_at",
)
RECENTLY_PLAYED = RawTable.declare(
    "recently_played",
    "played_at timestamp, track_uri text, payload json",
    key="played_at track_uri",
    is_read_by_load=True,
)
PLAYLISTS = RawTable.declare(
    "playlists",
    """
    playlist_id text, snapshot_id text null, payload json null, filled_payload json null,
    is_gone bool null
    """,
    key="playlist_id",
)
PLAYLIST_ITEMS = RawTable.declare(
    "playlist_items",
    """
    playlist_id text, position bigint, snapshot_id text null, uri text null, added_at timestamp null,
    payload json null, filled_payload json null, is_gone bool null
    """,
    key="playlist_id position",
)
PROFILE = RawTable.declare("profile", "account_id text, payload json", key="account_id")
# A row is written only where the answer differs from the stored one: `checked_at` is when the answer became
# what it is. `ops.catalog_checks` holds when a track was last asked for.
TRACK_AVAILABILITY = RawTable.declare(
    "track_availability",
    """
    track_id text, market text, is_playable bool null, reason text null, linked_id text null,
    checked_at timestamp, payload json null
    """,
    key="track_id market",
)
ARTISTS = RawTable.declare(
    "artists",
    "artist_id text, payload json, filled_payload json null, fetched_at timestamp",
    key="artist_id",
)
ARTIST_ALBUMS = RawTable.declare(
    "artist_albums",
    "album_id text, artist_id text, payload json, filled_payload json null, fetched_at timestamp",
    key="album_id",
)
