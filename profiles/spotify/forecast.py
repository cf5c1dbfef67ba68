"""Forecasts the calls of the next 24 hours by endpoint family, and compares them with an estimated quota.

Spotify publishes no number. The estimates are settings; their defaults are what others met in 2026: about 600
calls in rolling 24 hours, and about 100 for artists' albums.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

from profiles.spotify.budget import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.spotify.budget import Usage

Verdict = Literal["fits", "tight", "too much"]

DAY_S = 24 * 3600
PAGE_SIZE = 50
NIGHTS = 7  # a seventh of the availability pages each night, a full pass over the likes once a week
LISTINGS = 2  # of the playlists: by the nightly sync and by the push
TOP_CALLS = 3  # one for each time range, once a day
BUDGET = "at most: the day's budget"
TIGHT = 0.8  # share of the estimate; above it, one more full pass may be too much

_TOTALS = """
    select resource, coalesce(total, 0) from ops.source_checks
    where resource = any(array['liked_tracks', 'saved_albums', 'playlists'])
"""
_IS_FULL_DUE = """
    select coalesce((
        select (detail ->> 'full_at')::timestamptz < now() - interval '6 days'
        from ops.source_checks where resource = 'liked_tracks'
    ), true)
"""
# calls of one day's pushes: the mean over a week, or over the days since the first push if that is shorter
_PUSHES = """
    select
        ceil(sum(jsonb_array_length(operations)) / days.number),
        ceil(sum(greatest(calls - jsonb_array_length(operations), 0)) / days.number)
    from ops.playlist_pushes
    cross join (
        select greatest(1, least(7, extract(epoch from now() - min(started_at)) / 86400)) as number
        from ops.playlist_pushes
        where status = 'done'
    ) as days
    where status = 'done' and started_at > now() - interval '7 days'
    group by days.number
"""
# each playlist that we pushed is read in full once a week, changed or not
_PAGES_DUE = """
    select coalesce(sum(ceil(latest.entries / 50.0)), 0)
    from ops.playlists
    cross join lateral (
        select jsonb_array_length(after_uris) as entries
        from ops.playlist_pushes
        where playlist_pushes.slug = playlists.slug and status = 'done'
        order by push_id desc
        limit 1
    ) as latest
    where
        playlists.state = 'active'
        and (playlists.full_read_at is null or playlists.full_read_at < now() - interval '6 days')
"""


@dataclass(frozen=True)
class PushCalls:
    """The calls of one day's pushes lately, and the pages that are due for the weekly check."""

    writes: int
    reads: int
    pages_due: int = 0


@dataclass(frozen=True)
class LibrarySizes:
    """The sizes of the library when it was last listed. None: not listed yet, or for `pushes`, none yet."""

    likes: int | None = None
    albums: int | None = None
    playlists: int | None = None
    is_full_pass_due: bool = True
    pushes: PushCalls | None = None


@dataclass(frozen=True)
class Forecast:
    """The forecast of one family, in calls. `planned` is None if the plan is not known yet."""

    family: str
    last_24h: int
    planned: int | None
    estimate: int
    basis: str

    @property
    def expected(self) -> int:
        """The expected calls: the planned ones, or as many as in the last 24 hours if that was more."""
        return max(self.planned or 0, self.last_24h)

    @property
    def reason(self) -> str:
        """The reason for the expected number, in words."""
        if self.planned is None or self.planned >= self.last_24h:
            return self.basis
        return f"so many in the last 24 hours; planned: {self.planned} ({self.basis})"

    @property
    def verdict(self) -> Verdict:
        """Whether the expected calls fit into the estimated quota."""
        if self.expected > self.estimate:
            return "too much"
        return "tight" if self.expected > TIGHT * self.estimate else "fits"


def read_sizes(database: Database) -> LibrarySizes:
    """Return the sizes of the user's lists when they were last listed completely."""
    with database.transaction() as cursor:
        cursor.execute(_TOTALS)
        totals = dict(cursor.fetchall())
        cursor.execute(_IS_FULL_DUE)
        ((is_due,),) = cursor.fetchall()
        cursor.execute(_PUSHES)
        lately = cursor.fetchone()
        cursor.execute(_PAGES_DUE)
        ((pages_due,),) = cursor.fetchall()
        cursor.execute("select exists (select 1 from ops.playlist_pushes where status = 'done')")
        ((has_pushed,),) = cursor.fetchall()
    writes, reads = lately or (0, 0)
    return LibrarySizes(
        totals.get("liked_tracks"),
        totals.get("saved_albums"),
        totals.get("playlists"),
        bool(is_due),
        PushCalls(int(writes), int(reads), int(pages_due)) if has_pushed else None,
    )


def forecast(settings: Settings, sizes: LibrarySizes, usage: Sequence[Usage]) -> list[Forecast]:
    """Return the forecast of each family. Families without expected calls are left out."""
    used = {each.family: each.calls for each in usage}
    plans = _plans(settings, sizes)
    found = []
    for family in FAMILIES:
        planned, basis = plans.get(family, (0, "nothing is planned"))
        if planned != 0 or used.get(family):
            estimate = _estimate(settings, family)
            found.append(Forecast(family, used.get(family, 0), planned, estimate, basis))
    return found


def _estimate(settings: Settings, family: str) -> int:
    if family == "artist_albums":
        return settings.spotify_artist_albums_quota_per_day
    return settings.spotify_quota_per_day


def _plans(settings: Settings, sizes: LibrarySizes) -> Mapping[str, tuple[int | None, str]]:
    return {
        "player": (
            ceil(DAY_S / settings.tracker_poll_seconds),
            f"one poll every {settings.tracker_poll_seconds} s",
        ),
        "library": _library(settings, sizes),
        "playlists_read": _playlists(sizes),
        "playlists_write": _writes(sizes),
        "track": (settings.spotify_tracks_per_day if settings.spotify_market else 0, BUDGET),
        "artist": (settings.spotify_artists_per_day, BUDGET),
        "artist_albums": (settings.spotify_artist_albums_per_day, BUDGET),
        "top": (TOP_CALLS, "top artists, once a day"),
        "profile": (1, "the profile, once a day"),
    }


def _library(settings: Settings, sizes: LibrarySizes) -> tuple[int | None, str]:
    if sizes.likes is None or sizes.albums is None:
        return None, "unknown before the first sync, which takes one call for 50 likes and for 50 albums"
    likes, albums = ceil(sizes.likes / PAGE_SIZE), ceil(sizes.albums / PAGE_SIZE)
    calls = 1 + max(1, albums)
    parts = [f"1 page of likes with {max(1, albums)} of albums"]
    if sizes.is_full_pass_due:
        calls += likes
        parts.append(f"{likes} for the weekly full pass")
    if settings.spotify_market:
        pages = ceil(likes / NIGHTS) + ceil(albums / NIGHTS)
        calls += pages
        parts.append(f"{pages} for availability")
    return calls, ", ".join(parts) + "; more for each change"


def _playlists(sizes: LibrarySizes) -> tuple[int | None, str]:
    if sizes.playlists is None:
        return None, "unknown before the first sync"
    calls = LISTINGS * max(1, ceil(sizes.playlists / PAGE_SIZE))
    parts = [f"{LISTINGS} listings"]
    if sizes.pushes is None:
        return calls, f"{parts[0]}; more for each playlist that is read or pushed"
    if sizes.pushes.reads:
        calls += sizes.pushes.reads
        parts.append(f"{sizes.pushes.reads} to check pushes, as in the last 7 days")
    if sizes.pushes.pages_due:
        calls += sizes.pushes.pages_due
        parts.append(f"{sizes.pushes.pages_due} for the weekly look at what was pushed")
    return calls, ", ".join(parts) + "; more for each playlist that is read"


def _writes(sizes: LibrarySizes) -> tuple[int | None, str]:
    if sizes.pushes is None:
        return 0, "nothing has been pushed yet; a new playlist takes one call, and one per 100 tracks"
    return sizes.pushes.writes, "pushes, as on a day of the last 7"
