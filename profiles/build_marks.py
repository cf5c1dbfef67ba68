"""The mark that something has been loaded which no build has seen: loads set it, builds clear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from profiles.database import Database

NEEDS_BUILD = "needs_build"
SET_MARK = """
    insert into ops.build_marks (name) values (%s) on conflict (name) do update set marked_at = now()
"""


def mark_build_due(database: Database) -> None:
    """Remember that something has been loaded that no build has seen."""
    with database.transaction() as cursor:
        cursor.execute(SET_MARK, [NEEDS_BUILD])


def is_build_due(database: Database) -> bool:
    """Say whether something has been loaded that no build has seen."""
    with database.transaction() as cursor:
        cursor.execute("select from ops.build_marks where name = %s", [NEEDS_BUILD])
        return cursor.fetchone() is not None


def clear_mark(database: Database, seen_at: datetime) -> None:
    """Forget the mark that stood when a build began.

    One set while dbt was running stays: that build may have read the table before the rows came.
    """
    with database.transaction() as cursor:
        cursor.execute(
            "delete from ops.build_marks where name = %s and marked_at <= %s", [NEEDS_BUILD, seen_at]
        )


def database_now(database: Database) -> datetime:
    """Return the database's own time, which the marks bear."""
    with database.transaction() as cursor:
        cursor.execute("select now()")
        now: datetime = (cursor.fetchone() or (None,))[0]
        return now
