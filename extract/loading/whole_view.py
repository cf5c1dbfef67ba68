"""When what was read may be believed. Pure functions: they return the reason why not, or None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from profiles.spotify.client import Page


PAGE_SIZE = 50
"""The most entries that Spotify gives on one page of the user's lists."""


@dataclass(frozen=True)
class PageFacts:
    """One page of a list: its offset, the number of its entries, and the total that it names."""

    offset: int
    count: int
    total: int | None

    @classmethod
    def of(cls, page: Page) -> PageFacts:
        """Return the facts of a page. A missing total is None, not zero: zero would clear a library."""
        total = page.raw.get("total")
        return cls(page.offset, len(page.items), total if isinstance(total, int) else None)


def why_not_whole(pages: Sequence[PageFacts], distinct: int) -> str | None:
    """Say why these pages are not one whole view of the list, or None where they are.

    `distinct` is the number of different entries. A list that is edited while it is paged shifts against the
    offsets: an entry that moved up is missed, one that moved down is read twice. Only the sum of the pages, a
    steady total and the number of different entries together show that this has not happened.
    """
    totals = {page.total for page in pages}
    if not pages or None in totals:
        return "a page names no total" if pages else "nothing was read"
    if len(totals) > 1:
        return f"the total moved while paging: {', '.join(map(str, sorted(t or 0 for t in totals)))}"
    expected = 0
    for page in pages:
        if page.offset != expected:
            return f"a page began at {page.offset} where {expected} was due"
        expected += page.count
    total = pages[0].total
    if expected != total:
        return f"the pages hold {expected} of {total} entries"
    if distinct != total:
        return f"only {distinct} of {total} entries are different: the list shifted while paging"
    return None


def entries_gone(
    present: Mapping[str, datetime], listed: Mapping[str, datetime], unidentified: Iterable[datetime]
) -> dict[str, datetime]:
    """Return the entries (id → added_at) that stood in the library and are not in a whole listing.

    An entry listed without an id (Spotify withholds tracks that it no longer offers) may be any entry that
    was added at that time. Those are unknown, not gone.
    """
    hidden_times = set(unidentified)
    return {
        id_: added_at
        for id_, added_at in present.items()
        if listed.get(id_) != added_at and added_at not in hidden_times
    }


def is_gap_suspected(item_count: int, oldest: datetime | None, newest_stored: datetime | None) -> bool:
    """Say whether plays may have been lost between two polls.

    Only the latest fifty plays can be asked for. Where a page is full and its oldest play is newer than the
    newest stored one, there may have been plays in between. On the first poll nothing is stored, so nothing
    is suspected.
    """
    if oldest is None or newest_stored is None or item_count < PAGE_SIZE:
        return False
    return oldest > newest_stored
