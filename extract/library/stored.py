"""What is stored of the library: the rows, and which of their entries still stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from psycopg2 import sql

from extract.loading.tables import (
    DATASET,
    LIBRARY_REMOVALS,
    LIKED_TRACKS,
    SAVED_ALBUMS,
    RawTable,
    Row,
)

if TYPE_CHECKING:
    from datetime import datetime

    from profiles.database import Database


@dataclass(frozen=True)
class Collection:
    """One half of the library: where it is listed, where it is stored, what its entries are called."""

    path: str
    kind: str
    table: RawTable

    @property
    def key(self) -> str:
        """The column that names the track or album."""
        return self.table.key[0]


LIKES = Collection("me/tracks", "track", LIKED_TRACKS)
ALBUMS = Collection("me/albums", "album", SAVED_ALBUMS)


@dataclass(frozen=True)
class KnownEntry:
    """One stored entry. Its latest event decides: none or `returned` means that it stands in the library."""

    added_at: datetime
    last_event: str | None
    last_event_at: datetime | None

    @property
    def is_present(self) -> bool:
        """Whether the entry stood in the library when we last looked."""
        return self.last_event != "removed"


def known_entries(database: Database, collection: Collection) -> dict[str, KnownEntry]:
    """Return every stored entry by id: about 200 bytes each, payloads stay in the database."""
    query = sql.SQL(
        """
        select entries.{key}, entries.added_at, latest.event, latest.noticed_at
        from {table} as entries
        left join (
            select distinct on (id, added_at) id, added_at, event, noticed_at
            from {removals}
            where kind = %s
            order by id, added_at, noticed_at desc
        ) as latest on latest.id = entries.{key} and latest.added_at = entries.added_at
        """
    ).format(
        key=sql.Identifier(collection.key),
        table=sql.Identifier(DATASET, collection.table.name),
        removals=sql.Identifier(DATASET, LIBRARY_REMOVALS.name),
    )
    with database.transaction() as cursor:
        cursor.execute(query, [collection.kind])
        return {id_: KnownEntry(added_at, event, at) for id_, added_at, event, at in cursor}


def event_row(collection: Collection, id_: str, entry: KnownEntry, event: str, noticed_at: datetime) -> Row:
    """Return a row of `library_removals`, dated after the entry's last event: the latest one decides."""
    if entry.last_event_at is not None:
        noticed_at = max(noticed_at, entry.last_event_at + timedelta(microseconds=1))
    return {
        "kind": collection.kind,
        "id": id_,
        "added_at": entry.added_at,
        "event": event,
        "noticed_at": noticed_at,
    }
