"""Rows of the marts, each read into a dataclass whose fields are the columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import cursor as Cursor  # noqa: N812

Row = TypeVar("Row")
COLUMN = "column"
"""In a field's metadata: the SQL expression that it is read by, where that is not its name."""


@dataclass(frozen=True)
class Reader:
    """Reads tables and views in one transaction."""

    cursor: Cursor

    def rows(self, kind: type[Row], relation: str, rest: str = "", given: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a relation, none where it has not been built yet.

        `kind` is a dataclass: its fields name the columns (see `COLUMN`). `rest` follows the relation:
        joins, `where`, `order by`. Raises psycopg2.errors.UndefinedColumn for one of an older version.
        """
        self.cursor.execute("select to_regclass(%s) is null", [relation])
        if self.cursor.fetchone() == (True,):
            return []
        found = fields(kind)  # type: ignore[arg-type]  # a dataclass
        columns = ", ".join(field.metadata.get(COLUMN, field.name) for field in found)
        self.cursor.execute(f"select {columns} from {relation} {rest}", given)  # noqa: S608  # names of ours
        return [kind(*row) for row in self.cursor.fetchall()]
