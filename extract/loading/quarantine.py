"""Keeps rows that could not be stored, with the reason, so that the others can be loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from profiles.clock import as_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from extract.loading.clean import Rejected
    from profiles.session import Session


def store(session: Session, rejected: Collection[Rejected]) -> None:
    """Store the rows in `ops.quarantined_rows`. A row that fails again replaces its earlier report."""
    if not rejected:
        return
    moment = as_of(session.settings)
    with session.database.transaction() as cursor:
        for row in rejected:
            cursor.execute(
                """
                insert into ops.quarantined_rows (resource, row_key, reason, payload, noticed_at)
                values (%s, %s, %s, %s, %s)
                on conflict (resource, row_key) do update
                    set reason = excluded.reason, payload = excluded.payload, noticed_at = excluded.noticed_at
                """,
                [row.resource, _storable(row.key), _storable(row.reason), _as_text(row.payload), moment],
            )


def _as_text(payload: Any) -> str:
    # ASCII with escapes: PostgreSQL refuses the very characters for which the row may have been refused
    try:
        return json.dumps(payload, ensure_ascii=True, default=str)
    except (ValueError, RecursionError):
        return "(cannot be written down)"


def _storable(text: str) -> str:
    return text.replace("\u0000", "").encode("utf-8", "replace").decode("utf-8")
