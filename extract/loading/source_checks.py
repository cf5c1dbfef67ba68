"""`ops.source_checks`: when each resource was last seen completely, and what its next pass has to know."""

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
"""Kinds of `ops.catalog_checks` by the table that keeps their answers."""


@dataclass(frozen=True)
class SourceCheck:
    """The last complete look at one resource. `detail` is the resource's own memory."""

    checked_at: datetime
    total: int | None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Whether nothing was loaded from an unfinished pass since: what is stored is what was seen then."""
        return "unfinished_since" not in self.detail


def read_check(database: Database, resource: str) -> SourceCheck | None:
    """Return the last complete look at the resource, None before the first."""
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
    """Record a complete look. Overwrites the resource's earlier one and its `unfinished_since`."""
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
    """Forget every look at what lost its table: what is stored no longer is what was seen then."""
    resources = {*tables}
    if "library_removals" in tables:  # without its events every entry that ever was would seem to be there
        resources |= {"liked_tracks", "saved_albums"}
    kinds = [kind for table in tables for kind in CATALOG_KINDS.get(table, ())]
    with database.transaction() as cursor:
        cursor.execute("delete from ops.source_checks where resource = any(%s)", [sorted(resources)])
        cursor.execute("delete from ops.catalog_checks where kind = any(%s)", [kinds])


def mark_unfinished(database: Database, resource: str, moment: datetime) -> None:
    """Note, before rows of an unfinished pass are loaded, that they run ahead of the last complete look.

    Change detection compares what is stored with Spotify's total; with some rows of an unfinished pass among
    them, five likes not yet seen and five removed ones would cancel out.
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
