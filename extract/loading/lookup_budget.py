"""`ops.catalog_checks`: when each object was last asked for, and how many calls a day still allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from psycopg2.extras import execute_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from profiles.database import Database
    from profiles.session import Session

Kind: TypeAlias = Literal["track", "likes_page", "albums_page", "artist", "artist_albums"]


@dataclass(frozen=True)
class LookupCheck:
    """When an object was last asked for, and when Spotify last answered (None: never)."""

    asked_at: datetime
    answered_at: datetime | None

    @property
    def is_unanswered(self) -> bool:
        """Whether the last request brought no answer."""
        return self.answered_at is None or self.answered_at < self.asked_at


def read_checks(database: Database, kind: Kind, market: str = "") -> dict[str, LookupCheck]:
    """Return the checks of one kind in one market, by key (an id or a page number)."""
    with database.transaction() as cursor:
        cursor.execute(
            "select key, asked_at, answered_at from ops.catalog_checks where kind = %s and market = %s",
            [kind, market],
        )
        return {key: LookupCheck(asked_at, answered_at) for key, asked_at, answered_at in cursor}


def write_checks(
    database: Database, asked: Mapping[tuple[Kind, str], bool], moment: datetime, market: str = ""
) -> None:
    """Record what was asked for at `moment`, each with whether it was answered. Earlier answers stay."""
    if not asked:
        return
    rows = [(kind, market, key, moment, moment if hit else None) for (kind, key), hit in asked.items()]
    with database.transaction() as cursor:
        execute_values(
            cursor,
            """
            insert into ops.catalog_checks as known (kind, market, key, asked_at, answered_at) values %s
            on conflict (kind, market, key) do update
                set asked_at = excluded.asked_at,
                    answered_at = coalesce(excluded.answered_at, known.answered_at)
            """,
            rows,
        )


def left_today(session: Session, family: str, allowed: int) -> int:
    """Return how many of the `allowed` calls of a family are left in rolling 24 hours.

    Counts every attempt, by real time: Spotify's quota knows nothing of simulated days.
    """
    used = sum(usage.calls for usage in session.spotify.budget.usage() if usage.family == family)
    return max(0, allowed - used)
