"""Arrow tables as rows to load: the Arrow schema of a raw table, and the CSV file that PostgreSQL copies.

PostgreSQL's COPY reads what Arrow wrote, so no row passes through Python objects again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

from extract.loading.tables import LOAD_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from extract.loading.tables import ColumnType, RawTable

UTC_TIME = pa.timestamp("us", tz="UTC")
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "timestamp": UTC_TIME,
    "json": pa.string(),
}


def arrow_schema(table: RawTable) -> pa.Schema:
    """Return the columns of a raw table as Arrow has them; JSON is text."""
    return pa.schema([(name, _ARROW_TYPES[data_type]) for name, data_type in table.columns.items()])


@dataclass(frozen=True)
class ArrowRows:
    """Rows for a copied table, in parts that are pulled one by one while the file is written."""

    table: RawTable
    parts: Iterable[pa.Table]

    def write(self, path: Path, load_id: str) -> int:
        """Write all parts into one CSV file with a header, the load id as last column. Returns the rows."""
        count = 0
        schema = arrow_schema(self.table).append(pa.field(LOAD_ID, pa.string()))
        with csv.CSVWriter(path, schema) as writer:
            for part in self.parts:
                writer.write_table(part.append_column(LOAD_ID, pa.repeat(load_id, part.num_rows)))
                count += part.num_rows
        return count
