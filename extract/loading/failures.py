"""Loads that fail: what caused it, and how to find the rows that are to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import psycopg2
from dlt.common.exceptions import DltException
from dlt.pipeline.exceptions import PipelineStepFailed

from extract.loading.clean import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extract.loading.tables import RawTable, Row

# SQLSTATEs that rows are to blame for: data, integrity, program limits, a file of rows that is no SQL
ROWS_AT_FAULT = ("22", "23", "54", "42601")

TableRow: TypeAlias = "tuple[RawTable, Row]"


def load_halves(
    rows: Sequence[TableRow],
    error: DltException,
    load: Callable[[Mapping[RawTable, Sequence[Row]]], object],
    drop_pending: Callable[[], object],
) -> list[Rejected]:
    """Halve rows that failed with `error` until those that fail alone are found, and load the others.

    Returns the rows that fail alone. Raises a DltException for which the rows are not to blame.
    """
    rejected: list[Rejected] = []
    parts = [(rows, error)]
    while parts:
        part, cause = parts.pop()
        if not are_rows_at_fault(cause):
            raise cause
        drop_pending()
        if len(part) == 1:
            table, row = part[0]
            rejected.append(Rejected(table.name, table.key_of(row), brief(cause), row.get("payload")))
            continue
        for half in (part[: len(part) // 2], part[len(part) // 2 :]):
            try:
                load(_by_table(half))
            except DltException as half_error:
                parts.append((half, half_error))
                if are_rows_at_fault(half_error):
                    drop_pending()
    return rejected


def are_rows_at_fault(error: DltException) -> bool:
    """Whether these rows would fail again: no lock, lost connection or full disk was the cause."""
    if isinstance(cause := innermost(error), psycopg2.Error):
        return (cause.pgcode or "").startswith(ROWS_AT_FAULT)
    return isinstance(error, PipelineStepFailed) and error.step in {"extract", "normalize"}


def brief(error: BaseException) -> str:
    """Return the innermost cause in one line, without the rows that dlt repeats in its messages."""
    cause = innermost(error)
    lines = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {lines[0][:200] if lines else 'no message'}"


def innermost(error: BaseException) -> BaseException:
    """Return the exception at the end of the chain, also of those that dlt wraps in attributes."""
    while inner := (
        getattr(error, "client_exception", None) or getattr(error, "exception", None) or error.__cause__
    ):
        error = inner
    return error


def _by_table(part: Sequence[TableRow]) -> dict[RawTable, list[Row]]:
    batches: dict[RawTable, list[Row]] = {}
    for table, row in part:
        batches.setdefault(table, []).append(row)
    return batches
