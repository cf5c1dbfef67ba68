"""Every row of a database, and what has become of it later."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from profiles.database import Database

KEPT_SCHEMAS = ("raw_spotify", "raw_export", "ops", "snapshots")
"""What no build can make again."""
MOST_TOLD = 5

_TABLES = """
    select
        columns.table_schema || '.' || columns.table_name,
        array_agg(columns.column_name::text order by columns.ordinal_position)
    from information_schema.columns as columns
    inner join information_schema.tables as tables using (table_schema, table_name)
    where columns.table_schema = any(%s) and tables.table_type = 'BASE TABLE'
    group by 1
    order by 1
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Contents:
    """Every row of every table by `schema.table`, as JSON objects."""

    tables: Mapping[str, list[Row]]
    columns: Mapping[str, list[str]]

    def count(self, table: str) -> int:
        """How many rows a table has; none where it is missing."""
        return len(self.tables.get(table, []))


def read_contents(database: Database) -> Contents:
    """Read every table of the schemas that no build can make again."""
    with database.transaction() as cursor:
        cursor.execute(_TABLES, [list(KEPT_SCHEMAS)])
        columns = dict(cursor.fetchall())
        tables = {}
        for table in columns:
            cursor.execute(
                sql.SQL("select to_jsonb(one) from {} as one").format(sql.Identifier(*table.split(".", 1)))
            )
            tables[table] = [row for (row,) in cursor.fetchall()]
    return Contents(tables, columns)


def losses(
    before: Contents, after: Contents, moving: Mapping[str, Collection[str] | None] | None = None
) -> list[str]:
    """Tell each row of `before` that `after` does not have, by the columns that it had; new ones are no loss.

    `moving` names, per table, the columns that may say something else by now; None: its rows come and go.
    """
    moving = moving or {}
    found = []
    for table, rows in before.tables.items():
        free = moving.get(table, ())
        if free is None:
            continue
        if table not in after.tables:
            found.append(f"{table} is gone, with {len(rows)} rows")
            continue
        columns = [name for name in before.columns[table] if name not in free]
        found += _losses_of_table(table, columns, rows, after.tables[table])
    return found


def _losses_of_table(table: str, columns: list[str], before: list[Row], after: list[Row]) -> list[str]:
    def told(row: Row) -> str:
        return json.dumps({name: row.get(name, "no such column") for name in columns}, sort_keys=True)

    left = Counter(told(row) for row in before)
    left.subtract(Counter(told(row) for row in after))
    lost = [json.loads(text) for text, count in left.items() for _ in range(count)]
    new = [json.loads(text) for text, count in left.items() for _ in range(-count)]
    lines = [f"{table}: {_difference(row, new)}" for row in lost[:MOST_TOLD]]
    if len(lost) > MOST_TOLD:
        lines.append(f"{table}: … {len(lost)} of {len(before)} rows in all")
    return lines


def _difference(row: Row, candidates: list[Row]) -> str:
    """What of the likeliest successor of a row is different, or that there is none."""

    def likeness(other: Row) -> int:
        return sum(other[name] == value for name, value in row.items())

    successor = max(candidates, key=likeness, default=None)
    if successor is None or likeness(successor) * 2 < len(row):
        return f"gone: {_told(row)}"
    changed = {name: value for name, value in row.items() if successor[name] != value}
    kept = {name: value for name, value in row.items() if name not in changed}
    became = ", ".join(
        f"{name} {_short(value)} became {_short(successor[name])}" for name, value in changed.items()
    )
    return f"{became} in {_told(kept)}"


def _told(row: Row) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in row.items())


def _short(value: Any, longest: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[:longest]} …"
