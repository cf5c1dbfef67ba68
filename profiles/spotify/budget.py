"""Counts calls per endpoint family and keeps cooldowns, for all processes, in `ops`.

Spotify counts a Development-Mode app's calls per unpublished group of endpoints over a rolling 24 hours, and
answers too many of them with bans of up to a day. So every call is counted, and a family in its cooldown is
not called.
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
LONGEST_COOLDOWN_S = 48 * 3600  # the quota's window is 24 h; anything longer must be a mistake

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

_COUNT_UNLESS_COOLING_DOWN = """
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
_COOLDOWN = "select until, reason from ops.api_cooldowns where family = %s and until > clock_timestamp()"
_COUNT_429 = """
    insert into ops.api_calls as counts (family, hour, rate_limited)
    values (%s, date_trunc('hour', clock_timestamp(), 'UTC'), 1)
    on conflict (family, hour) do update set rate_limited = counts.rate_limited + 1
"""
_START_COOLDOWN = """
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
    """The calls of one family in the last 24 hours.

    `until` is when it may be called again, None means now.
    """

    family: str
    calls: int
    rate_limited: int
    until: datetime | None
    reason: str | None


def family_of(method: str, path: str) -> str:
    """Return the endpoint family of a call. `path` has no host and no version, such as `me/tracks`."""
    path = path.split("?", 1)[0].strip("/")
    family = next((name for pattern, name in _PATTERNS if re.fullmatch(pattern, path)), "other")
    if family == "playlists":
        return "playlists_read" if method == "GET" else "playlists_write"
    return family


class ApiBudget:
    """Counts calls and keeps cooldowns, by the database's clock, because machines' clocks differ."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def check(self, family: str) -> None:
        """Raise Deferred while the family is in its cooldown."""
        self._raise_if_cooling_down(family, self._query(_COOLDOWN, [family]))

    def count(self, family: str) -> None:
        """Count a call before it is made.

        Raises Deferred, and counts nothing, during the family's cooldown.
        """
        self._raise_if_cooling_down(family, self._query(_COUNT_UNLESS_COOLING_DOWN, {"family": family}))

    def count_429(self, family: str) -> None:
        """Count one answer with status 429."""
        self._query(_COUNT_429, [family])

    def start_cooldown(self, family: str, seconds: float, reason: str) -> Deferred:
        """Start a cooldown of a family for all processes, and return the exception to raise."""
        seconds = min(max(seconds, 1.0), LONGEST_COOLDOWN_S)
        ((until,),) = self._query(_START_COOLDOWN, [family, seconds, reason])
        return Deferred(family, until, reason=reason)

    def usage(self) -> list[Usage]:
        """Return the calls of the last 24 hours by family.

        Whole hours are counted, so up to an hour too much.
        """
        return [Usage(*row) for row in self._query(_USAGE, None)]

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _raise_if_cooling_down(self, family: str, rows: list[tuple[Any, ...]]) -> None:
        for until, reason in rows:
            raise Deferred(family, until, reason=reason)

    def _query(self, statement: str, values: list[Any] | dict[str, Any] | None) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._execute(statement, values)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                # the server was restarted while the connection was idle: once more on a new one
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
