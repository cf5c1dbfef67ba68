"""The answers of Spotify that are stored, by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg2 import sql

from extract.loading.tables import DATASET, FILLED, RawTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from profiles.database import Database


class StoredPayload(NamedTuple):
    """What is stored of one thing: the latest answer, and that one filled where it lacks something."""

    latest: Any
    filled: Any

    @property
    def best(self) -> Any:
        """The answer with the most content."""
        return self.latest if self.filled is None else self.filled


def stored_payloads(
    database: Database, table: RawTable, ids: Iterable[str] | None = None
) -> dict[str, StoredPayload]:
    """Return what is stored in a table with one key column, by key: of these ids, or of all.

    Payloads are large: of the library ask for one page's worth.
    """
    query = sql.SQL("select {key}, payload, {filled} from {table} where %s or {key} = any(%s)").format(
        key=sql.Identifier(table.key[0]),
        filled=sql.Identifier(FILLED),
        table=sql.Identifier(DATASET, table.name),
    )
    with database.transaction() as cursor:
        cursor.execute(query, [ids is None, list(ids or [])])
        return {key: StoredPayload(latest, filled) for key, latest, filled in cursor}
