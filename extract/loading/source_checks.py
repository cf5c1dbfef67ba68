"""`ops.source_checks`: when each resource was last seen completely, and what its next pass must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from profiles.database import Database

CATALOG_KINDS = {
    "track_availability": ("track", "likes_page", "albums_page"),
    "artists": ("artist",),
    "artist_albums": ("artist_albums",),
}
"""The kinds of `ops.catalog_checks`, by the table that holds their answers."""


@dataclass(frozen=True)
class SourceCheck:
    """The last complete look at one resource. Only the resource itself reads `detail`."""

    checked_at: datetime
    total: int | None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Whether the stored rows are those of the check: no unfinished pass has loaded rows since."""
        return "unfinished_since" not in self.detail


def read_check(database: Database, resource: str) -> SourceCheck | None:
    """Return the last complete check of the resource, None before the first."""
    with database.transaction() as cursor:
        cursor.execute(
            "select checked_at, total, detail from ops.source_checks where resource = %s and is_complete",
            [resource],
        )
        row = cursor.fetchone()
    return SourceCheck(*row) if row else None


def write_check(
    database: Database, resource: str, checked_at: datetime, total: int | None, detail: Mapping[str, Any]
) -> None:
    """Record a complete check. It replaces the resource's earlier one and its `unfinished_since`."""
    with database.transaction() as cursor:
        cursor.execute(
            """
            insert into ops.source_checks (resource, checked_at, is_complete, total, detail)
            values (%s, %s, true, %s, %s)
            on conflict (resource) do update
                set checked_at = excluded.checked_at, is_complete = true,
                    total = excluded.total, detail = excluded.detail
            """,
            [resource, checked_at, total, Json(dict(detail))],
        )


def forget_checks(database: Database, tables: Collection[str]) -> None:
    """Delete the checks of these tables: they lost rows, so what is stored is not what was seen."""
    resources = {*tables}
    if "library_removals" in tables:  # without its events every removed entry would seem to be there
        resources |= {"liked_tracks", "saved_albums"}
    kinds = [kind for table in tables for kind in CATALOG_KINDS.get(table, ())]
    with database.transaction() as cursor:
        cursor.execute("delete from ops.source_checks where resource = any(%s)", [sorted(resources)])
        cursor.execute("delete from ops.catalog_checks where kind = any(%s)", [kinds])


def mark_unfinished(database: Database, resource: str, moment: datetime) -> None:
    """Note that rows of an unfinished pass are about to be loaded.

    Change detection compares the stored rows with Spotify's total. With rows of an unfinished pass among
    them, five likes that were not read yet and five removed ones would cancel each other out.
    """
    with database.transaction() as cursor:
        cursor.execute(
            """
            update ops.source_checks
            set detail = detail || jsonb_build_object('unfinished_since', %s::timestamptz)
            where resource = %s and not detail ? 'unfinished_since'
            """,
            [moment, resource],
        )
