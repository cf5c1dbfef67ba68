"""What is stored of the library: its entries, and which of them are in the library now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from extract.loading.clean import text_or_none
from extract.loading.tables import DATASET, LIBRARY_REMOVALS, LIKED_TRACKS, SAVED_ALBUMS, RawTable, Row

if TYPE_CHECKING:
    from datetime import datetime

    from profiles.database import Database


@dataclass(frozen=True)
class Collection:
    """One half of the library: the path that lists it, the kind of its entries, and its table."""

    path: str
    kind: str
    table: RawTable

    @property
    def key(self) -> str:
        """The column with the id of the track or album."""
        return self.table.key[0]

    def id_in(self, item: Any) -> str | None:
        """Return the id of the track or album in a listed item; None where Spotify withholds it."""
        thing = item.get(self.kind) if isinstance(item, dict) else None
        return text_or_none(thing.get("id")) if isinstance(thing, dict) else None


LIKES = Collection("me/tracks", "track", LIKED_TRACKS)
ALBUMS = Collection("me/albums", "album", SAVED_ALBUMS)


@dataclass(frozen=True)
class StoredEntry:
    """One stored entry and its latest event, `removed` or `returned`; None where it never left."""

    added_at: datetime
    last_event: str | None
    last_event_at: datetime | None

    @property
    def is_present(self) -> bool:
        """Whether the entry was in the library when we last looked."""
        return self.last_event != "removed"


def stored_entries(database: Database, collection: Collection) -> dict[str, StoredEntry]:
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
        return {id_: StoredEntry(added_at, event, at) for id_, added_at, event, at in cursor}


def event_row(collection: Collection, id_: str, entry: StoredEntry, event: str, noticed_at: datetime) -> Row:
    """Return a row of `library_removals`, later than the entry's last event: the latest one counts."""
    if entry.last_event_at is not None:
        noticed_at = max(noticed_at, entry.last_event_at + timedelta(microseconds=1))
    return {
        "kind": collection.kind,
        "id": id_,
        "added_at": entry.added_at,
        "event": event,
        "noticed_at": noticed_at,
    }
