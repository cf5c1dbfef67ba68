"""What each endpoint family has used, and when it may be called again. Shared by all processes through `ops`.

Spotify counts a Development-Mode app's calls per unpublished group of endpoints over a rolling 24 hours and
answers an overdraft with bans of up to a day. So every call is counted, and a family that was told to wait is
left alone.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from profiles.errors import Deferred

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812

    from profiles.database import Database

FAMILIES = (
    "profile",
    "library",
    "player",
    "playlists_read",
    "playlists_write",
    "album",
    "track",
    "artist",
    "artist_albums",
    "top",
    "other",
)
LONGEST_COOLDOWN_S = 48 * 3600  # the quota's window is 24 h; anything longer is taken for a mistake

_PATTERNS = (
    (r"me", "profile"),
    (r"me/(tracks|albums|library)(/.*)?", "library"),
    (r"me/player(/.*)?", "player"),
    (r"me/top/.+", "top"),
    (r"(me/)?playlists(/.*)?", "playlists"),
    (r"albums(/.*)?", "album"),
    (r"tracks(/.*)?", "track"),
    (r"artists/[^/]+/albums", "artist_albums"),
    (r"artists(/.*)?", "artist"),
)

_COUNT_UNLESS_RESTING = """
    with resting as (
        select until, reason from ops.api_cooldowns where family = %(family)s and until > clock_timestamp()
    ),
    counted as (
        insert into ops.api_calls as counts (family, hour, calls)
        select %(family)s, date_trunc('hour', clock_timestamp(), 'UTC'), 1
        where not exists (select from resting)
        on conflict (family, hour) do update set calls = counts.calls + 1
    )
    select until, reason from resting
"""
_RESTING = "select until, reason from ops.api_cooldowns where family = %s and until > clock_timestamp()"
_COUNT_429 = """
    insert into ops.api_calls as counts (family, hour, rate_limited)
    values (%s, date_trunc('hour', clock_timestamp(), 'UTC'), 1)
    on conflict (family, hour) do update set rate_limited = counts.rate_limited + 1
"""
_REST = """
    insert into ops.api_cooldowns as cooldowns (family, until, reason, noticed_at)
    values (%s, clock_timestamp() + %s * interval '1 second', %s, clock_timestamp())
    on conflict (family) do update
    set until = greatest(cooldowns.until, excluded.until), reason = excluded.reason,
        noticed_at = excluded.noticed_at
    returning until
"""
_USAGE = """
    select family, coalesce(sum(calls), 0)::int, coalesce(sum(rate_limited), 0)::int, max(until), max(reason)
    from (
        select family, calls, rate_limited, null::timestamptz as until, null as reason
        from ops.api_calls where hour >= date_trunc('hour', clock_timestamp() - interval '24 hours', 'UTC')
        union all
        select family, 0, 0, until, reason from ops.api_cooldowns where until > clock_timestamp()
    ) as both_sources
    group by family order by family
"""


@dataclass(frozen=True)
class Usage:
    """One family in the rolling 24 hours. `until` is when it may be called again, None when it may be now."""

    family: str
    calls: int
    rate_limited: int
    until: datetime | None
    reason: str | None


def family_of(method: str, path: str) -> str:
    """Return the endpoint family of a call; `path` as in the API, without host and version."""
    path = path.split("?", 1)[0].strip("/")
    family = next((name for pattern, name in _PATTERNS if re.fullmatch(pattern, path)), "other")
    if family == "playlists":
        return "playlists_read" if method == "GET" else "playlists_write"
    return family


class ApiBudget:
    """Counts calls and keeps cooldowns. Real time, by the database's clock: machines may disagree."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def check(self, family: str) -> None:
        """Raise Deferred while the family rests."""
        self._raise_if_resting(family, self._ask(_RESTING, [family]))

    def count(self, family: str) -> None:
        """Count a call about to be made. Raises Deferred, and counts nothing, while the family rests."""
        self._raise_if_resting(family, self._ask(_COUNT_UNLESS_RESTING, {"family": family}))

    def count_429(self, family: str) -> None:
        """Count one answer that said: too many."""
        self._ask(_COUNT_429, [family])

    def rest(self, family: str, seconds: float, reason: str) -> Deferred:
        """Let a family rest, for all processes; return what to raise."""
        seconds = min(max(seconds, 1.0), LONGEST_COOLDOWN_S)
        ((until,),) = self._ask(_REST, [family, seconds, reason])
        return Deferred(family, until, reason=reason)

    def usage(self) -> list[Usage]:
        """Return what the rolling 24 hours saw (whole hours: rather an hour too much than too little)."""
        return [Usage(*row) for row in self._ask(_USAGE, None)]

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _raise_if_resting(self, family: str, rows: list[tuple[Any, ...]]) -> None:
        for until, reason in rows:
            raise Deferred(family, until, reason=reason)

    def _ask(self, statement: str, values: list[Any] | dict[str, Any] | None) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._execute(statement, values)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                # a connection that idled through a restart of the server: once more on a new one
                if self._connection is not None:
                    with suppress(psycopg2.Error):
                        self._connection.close()
                self._connection = None
                return self._execute(statement, values)

    def _execute(self, statement: str, values: list[Any] | dict[str, Any] | None) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect(autocommit=True)
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
