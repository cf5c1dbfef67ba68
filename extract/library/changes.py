"""Which entries came and which left, from few pages of a long list. Pure, but for `fetch_page`.

The list (GET /me/tracks) is newest first: what we know with holes where entries were removed, and new
entries on top. Between two entries of different `added_at` that were seen side by side, the number of known
entries above is compared with their position: the difference counts the holes above. Bisecting over the
pages finds where it steps; there the neighbours of each hole are seen adjacent. Entries that share an
`added_at` have no order that can be relied on: such a group is only ever counted or read as a whole.

Every page is one of the grid 0, 50, 100 …, none is read twice: finding changes never costs more pages than
reading everything. What contradicts the picture (an unsorted page, an unknown entry far down, a total that
moves) raises Unproven, and the caller makes a full pass.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

PAGE_SIZE = 50


class Entry(NamedTuple):
    """One entry of the list. The same id liked again is another entry."""

    added_at: datetime
    id: str


@dataclass(frozen=True)
class Page:
    """The entries from one offset on, and the total that the page named."""

    entries: Sequence[Entry]
    total: int


FetchPage: TypeAlias = "Callable[[int], Page]"


@dataclass(frozen=True)
class Changes:
    """What differs from the known list: `new` as listed, `gone` as known. A track liked again is in both."""

    new: tuple[Entry, ...]
    gone: frozenset[Entry]
    total: int
    pages_read: int


class Unproven(Exception):  # an outcome that asks for a full pass, no fault
    """The pages do not fit the known list with holes and new entries on top. The text says how."""


def detect_changes(fetch_page: FetchPage, known: Iterable[Entry]) -> Changes:
    """Compare the list behind `fetch_page` (50 entries from an offset, a multiple of 50) with `known`.

    Raises Unproven where the answer cannot be proven, and whatever `fetch_page` raises.
    """
    view = _View(fetch_page, frozenset(known))
    view.read_top()
    holes = view.expected_holes()
    gone = set(view.superseded)
    if holes:
        zones = [view.whole()]
        while zones:
            zones.extend(view.narrow(zones.pop(), gone))
    found = len(gone) - len(view.superseded)
    if found != holes:
        raise Unproven(f"{found} removed entries were located where {holes} are missing")
    return Changes(tuple(view.new), frozenset(gone), view.total, view.pages_read)


class _Zone(NamedTuple):
    """The positions from `start` to before `end`; both edges fall between entries of different times.

    `newest` and `oldest` are the times of the first and last entry inside, None at an end of the list not
    seen.
    """

    start: int
    end: int
    newest: datetime | None
    oldest: datetime | None


class _View:
    """What has been read of the remote list so far, and what that says about the known one."""

    def __init__(self, fetch_page: FetchPage, known: frozenset[Entry]) -> None:
        self._fetch = fetch_page
        self._known = known
        self._seen: dict[int, Entry] = {}
        self._seen_entries: set[Entry] = set()
        self._newest_known = max((entry.added_at for entry in known), default=None)
        self._standing: list[Entry] = []  # known, less those liked again; newest first
        self._times: list[float] = []  # of those, ascending for bisect (negated)
        self._new_positions: list[int] = []
        self.new: list[Entry] = []
        self.superseded: set[Entry] = set()
        self.total = -1
        self.pages_read = 0

    def read_top(self) -> None:
        """Read pages from the top until no new entry can follow: to one older than all that could be new."""
        offset = 0
        while True:
            entries = self._read(offset)
            offset += PAGE_SIZE
            is_settled = (
                bool(entries) and self._newest_known is not None and entries[-1].added_at < self._newest_known
            )
            if is_settled or offset >= self.total:
                break
        self._new_positions = sorted(at for at, entry in self._seen.items() if entry not in self._known)
        self.new = [self._seen[position] for position in self._new_positions]
        if self._newest_known is not None and any(e.added_at < self._newest_known for e in self.new):
            raise Unproven("an unknown entry stands below the newest known one")
        liked_again = {entry.id for entry in self.new}
        self.superseded = {entry for entry in self._known if entry.id in liked_again}
        if self.superseded & self._seen_entries:
            raise Unproven("one id is listed twice")
        self._standing = sorted(self._known - self.superseded, key=lambda entry: entry.added_at, reverse=True)
        self._times = [-entry.added_at.timestamp() for entry in self._standing]

    def expected_holes(self) -> int:
        """How many known entries must be missing: known + new − total. Negative is Unproven."""
        holes = len(self._standing) + len(self.new) - self.total
        if holes < 0:
            raise Unproven(f"{-holes} entries are listed that are neither known nor on top")
        return holes

    def whole(self) -> _Zone:
        """The whole list as one zone."""
        return _Zone(0, self.total, None, None)

    def narrow(self, zone: _Zone, gone: set[Entry]) -> list[_Zone]:
        """Return the parts of the zone that still hide holes; add the holes that are located to `gone`."""
        candidates = self._standing_between(zone.newest, zone.oldest)
        holes = len(candidates) + self._new_in(zone) - (zone.end - zone.start)
        if holes < 0:
            raise Unproven("a stretch of the list holds more entries than are known of it")
        if holes == 0:
            return []
        unread = self._unread_pages(zone)
        if not unread:
            gone.update(entry for entry in candidates if entry not in self._seen_entries)
            return []
        cuts = self._cuts(zone)
        if not cuts:
            self._read(unread[len(unread) // 2])
            cuts = self._cuts(zone)
            if not cuts:
                return [zone]
        return self._split(zone, cuts, gone)

    def _split(self, zone: _Zone, cuts: list[int], gone: set[Entry]) -> list[_Zone]:
        parts: list[_Zone] = []
        start, newest = zone.start, zone.newest
        for cut in cuts:
            above, below = self._seen[cut - 1].added_at, self._seen[cut].added_at
            parts.append(_Zone(start, cut, newest, above))
            # known between two neighbours that were seen side by side: nowhere else to be
            gone.update(e for e in self._standing_between(above, below) if above > e.added_at > below)
            start, newest = cut, below
        parts.append(_Zone(start, zone.end, newest, zone.oldest))
        return parts

    def _cuts(self, zone: _Zone) -> list[int]:
        """Positions inside the zone where two seen neighbours differ in time."""
        return [
            position
            for position in range(zone.start + 1, zone.end)
            if position in self._seen
            and position - 1 in self._seen
            and self._seen[position - 1].added_at > self._seen[position].added_at
        ]

    def _unread_pages(self, zone: _Zone) -> list[int]:
        first = zone.start - zone.start % PAGE_SIZE
        return [offset for offset in range(first, zone.end, PAGE_SIZE) if offset not in self._seen]

    def _new_in(self, zone: _Zone) -> int:
        return bisect_left(self._new_positions, zone.end) - bisect_left(self._new_positions, zone.start)

    def _standing_between(self, newest: datetime | None, oldest: datetime | None) -> list[Entry]:
        low = 0 if newest is None else bisect_left(self._times, -newest.timestamp())
        high = len(self._times) if oldest is None else bisect_right(self._times, -oldest.timestamp())
        return self._standing[low:high]

    def _read(self, offset: int) -> Sequence[Entry]:
        page = self._fetch(offset)
        self.pages_read += 1
        if self.total < 0:
            self.total = page.total
        if page.total != self.total:
            raise Unproven(f"the total moved from {self.total} to {page.total} while paging")
        if len(page.entries) != max(0, min(PAGE_SIZE, self.total - offset)):
            raise Unproven(f"the page at {offset} holds {len(page.entries)} entries of {self.total}")
        for position, entry in enumerate(page.entries, start=offset):
            if entry in self._seen_entries:
                raise Unproven("an entry is listed twice: the list shifted while paging")
            self._seen[position] = entry
            self._seen_entries.add(entry)
        self._check_order(offset, len(page.entries))
        if self._standing and (unknown := [e for e in page.entries if e not in self._known]):
            raise Unproven(f"{len(unknown)} unknown entries stand below known ones")
        if self.superseded.intersection(page.entries):
            raise Unproven("one id is listed twice")
        return page.entries

    def _check_order(self, offset: int, count: int) -> None:
        """Newest first inside the page and against the nearest entries read on either side."""
        positions = list(range(offset, offset + count))
        above = max((p for p in self._seen if p < offset), default=None)
        below = min((p for p in self._seen if p >= offset + count), default=None)
        chain = [*([above] if above is not None else []), *positions, *([below] if below is not None else [])]
        times = [self._seen[position].added_at for position in chain]
        if any(upper < lower for upper, lower in pairwise(times)):
            raise Unproven("the list is not in the order of its dates")
