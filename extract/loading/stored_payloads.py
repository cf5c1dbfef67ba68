"""The answers of Spotify that are stored, by id, and which rows differ from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg2 import sql

from extract.loading.filling import filled
from extract.loading.tables import DATASET, FILLED, RawTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from extract.loading.tables import Row
    from profiles.database import Database


class StoredPayload(NamedTuple):
    """What is stored of one object: the latest answer, and the same filled with what it lacks."""

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
        filled=sql.Identifier(FILLED) if FILLED in table.columns else sql.NULL,
        table=sql.Identifier(DATASET, table.name),
    )
    with database.transaction() as cursor:
        cursor.execute(query, [ids is None, list(ids or [])])
        return {key: StoredPayload(latest, filled) for key, latest, filled in cursor}


def changed_rows(
    table: RawTable,
    rows: Iterable[Row],
    stored: Mapping[str, StoredPayload],
    *,
    keep: Iterable[str] | None = None,
) -> list[Row]:
    """Return the rows whose payload differs from the stored one, each key once, with their filled payload.

    What a payload lacks is taken from the stored one: everything, or the fields in `keep` alone.
    """
    changed: dict[str, Row] = {}
    for row in rows:
        key = row[table.key[0]]
        before = stored.get(key)
        if before is not None and before.latest == row["payload"]:
            continue
        changed[key] = row
        if FILLED in table.columns:
            earlier = before and before.best
            if earlier and keep is not None:
                earlier = {name: earlier.get(name) for name in keep}
            changed[key] = {**row, FILLED: filled(row["payload"], earlier)}
    return list(changed.values())
