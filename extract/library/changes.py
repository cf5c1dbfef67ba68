"""Finds which entries came and which left, from few pages of a long list. Pure, except for `fetch_page`.

The list (GET /me/tracks) is newest first. It equals the known list with holes where entries were removed, and
with new entries on top. Where two listed neighbours differ in `added_at`, the number of known entries above
them is compared with their position: the difference is the number of holes above. Bisection over the pages
finds the places where that number changes; there the neighbours of each hole are seen side by side. Entries
with the same `added_at` have no reliable order, so they are only counted or read together.

Every page begins at a multiple of 50 and none is read twice, so this never costs more pages than reading
everything. Whatever contradicts these assumptions (an unsorted page, an unknown entry far down, a total that
changes) raises Unproven, and the caller makes a full pass.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from extract.loading.whole_view import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime


class LibraryEntry(NamedTuple):
    """One entry of the list. The same id liked again is another entry."""

    added_at: datetime
    id: str


@dataclass(frozen=True)
class ListedPage:
    """The entries of one page, and the total that the page named."""

    entries: Sequence[LibraryEntry]
    total: int


FetchPage: TypeAlias = "Callable[[int], ListedPage]"


@dataclass(frozen=True)
class Changes:
    """What differs from the known list. A track that was liked again is in both, `new` and `gone`."""

    new: tuple[LibraryEntry, ...]
    gone: frozenset[LibraryEntry]
    total: int
    pages_read: int


class Unproven(Exception):  # not a failure: the caller makes a full pass
    """The pages do not equal the known list with holes and new entries on top. The text says why."""


def detect_changes(fetch_page: FetchPage, known: Iterable[LibraryEntry]) -> Changes:
    """Compare a list with the `known` entries. `fetch_page` takes an offset, a multiple of 50.

    Raises Unproven where the changes cannot be proven, and whatever `fetch_page` raises.
    """
    view = _View(fetch_page, frozenset(known))
    view.read_top()
    holes = view.expected_holes()
    gone = set(view.superseded)
    if holes:
        zones = [view.whole_list()]
        while zones:
            zones.extend(view.narrow(zones.pop(), gone))
    found = len(gone) - len(view.superseded)
    if found != holes:
        raise Unproven(f"{found} removed entries were located where {holes} are missing")
    return Changes(tuple(view.new), frozenset(gone), view.total, view.pages_read)


class _Zone(NamedTuple):
    """The positions from `start` up to but not including `end`, between entries of different times.

    `newest` and `oldest` are the times of the first and the last entry inside. They are None at an end of the
    list that was not read.
    """

    start: int
    end: int
    newest: datetime | None
    oldest: datetime | None


class _View:
    """What has been read of the listed entries so far, compared with the known ones."""

    def __init__(self, fetch_page: FetchPage, known: frozenset[LibraryEntry]) -> None:
        self._fetch = fetch_page
        self._known = known
        self._seen: dict[int, LibraryEntry] = {}
        self._seen_entries: set[LibraryEntry] = set()
        self._newest_known = max((entry.added_at for entry in known), default=None)
        self._present: list[LibraryEntry] = []  # known, without those liked again; newest first
        self._times: list[float] = []  # their times, negated: bisect needs ascending values
        self._new_positions: list[int] = []
        self.new: list[LibraryEntry] = []
        self.superseded: set[LibraryEntry] = set()
        self.total = -1
        self.pages_read = 0

    def read_top(self) -> None:
        """Read pages from the top until no new entry can follow."""
        offset = 0
        while True:
            entries = self._read(offset)
            offset += PAGE_SIZE
            is_end_of_new = (
                bool(entries) and self._newest_known is not None and entries[-1].added_at < self._newest_known
            )
            if is_end_of_new or offset >= self.total:
                break
        self._new_positions = sorted(at for at, entry in self._seen.items() if entry not in self._known)
        self.new = [self._seen[position] for position in self._new_positions]
        if self._newest_known is not None and any(e.added_at < self._newest_known for e in self.new):
            raise Unproven("an unknown entry stands below the newest known one")
        liked_again = {entry.id for entry in self.new}
        self.superseded = {entry for entry in self._known if entry.id in liked_again}
        if self.superseded & self._seen_entries:
            raise Unproven("one id is listed twice")
        self._present = sorted(self._known - self.superseded, key=lambda entry: entry.added_at, reverse=True)
        self._times = [-entry.added_at.timestamp() for entry in self._present]

    def expected_holes(self) -> int:
        """Return how many known entries must be missing: known + new − total. Raises Unproven below zero."""
        holes = len(self._present) + len(self.new) - self.total
        if holes < 0:
            raise Unproven(f"{-holes} entries are listed that are neither known nor on top")
        return holes

    def whole_list(self) -> _Zone:
        """Return the whole list as one zone."""
        return _Zone(0, self.total, None, None)

    def narrow(self, zone: _Zone, gone: set[LibraryEntry]) -> list[_Zone]:
        """Return the parts of the zone that still contain holes; add the removed entries to `gone`."""
        candidates = self._present_between(zone.newest, zone.oldest)
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

    def _split(self, zone: _Zone, cuts: list[int], gone: set[LibraryEntry]) -> list[_Zone]:
        parts: list[_Zone] = []
        start, newest = zone.start, zone.newest
        for cut in cuts:
            above, below = self._seen[cut - 1].added_at, self._seen[cut].added_at
            parts.append(_Zone(start, cut, newest, above))
            # a known entry between two neighbours that were seen side by side is not in the list any more
            gone.update(e for e in self._present_between(above, below) if above > e.added_at > below)
            start, newest = cut, below
        parts.append(_Zone(start, zone.end, newest, zone.oldest))
        return parts

    def _cuts(self, zone: _Zone) -> list[int]:
        """The positions inside the zone where two neighbours were read and differ in time."""
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

    def _present_between(self, newest: datetime | None, oldest: datetime | None) -> list[LibraryEntry]:
        low = 0 if newest is None else bisect_left(self._times, -newest.timestamp())
        high = len(self._times) if oldest is None else bisect_right(self._times, -oldest.timestamp())
        return self._present[low:high]

    def _read(self, offset: int) -> Sequence[LibraryEntry]:
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
        if self._present and (unknown := [e for e in page.entries if e not in self._known]):
            raise Unproven(f"{len(unknown)} unknown entries stand below known ones")
        if self.superseded.intersection(page.entries):
            raise Unproven("one id is listed twice")
        return page.entries

    def _check_order(self, offset: int, count: int) -> None:
        """Check that the page is newest first, inside and against the nearest entries read around it."""
        positions = list(range(offset, offset + count))
        above = max((p for p in self._seen if p < offset), default=None)
        below = min((p for p in self._seen if p >= offset + count), default=None)
        chain = [*([above] if above is not None else []), *positions, *([below] if below is not None else [])]
        times = [self._seen[position].added_at for position in chain]
        if any(upper < lower for upper, lower in pairwise(times)):
            raise Unproven("the list is not in the order of its dates")
