"""When a pass may be believed. Pure functions: facts in, the reason to refuse out (None: no reason)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from profiles.spotify.client import Page


@dataclass(frozen=True)
class PageFacts:
    """One page of a listing: where it began, how many entries it held, and the total that it named."""

    offset: int
    count: int
    total: int | None

    @classmethod
    def of(cls, page: Page) -> PageFacts:
        """The facts of a page as it came. A total that is missing is not zero: that would clear a library."""
        total = page.raw.get("total")
        return cls(page.offset, len(page.items), total if isinstance(total, int) else None)


def why_not_whole(pages: Sequence[PageFacts], distinct: int) -> str | None:
    """Say why these pages are not one whole view of the list, or None where they are.

    `distinct` counts the entries once each. A list that is edited while it is paged shifts under the
    offsets: what moved up is missed, what moved down is read twice. Neither the sum of the pages nor a
    steady total shows that alone; both together with the number of different entries do.
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

    An entry listed without an id (Spotify withholds what it no longer offers) may be any that was added at
    that moment: those are unknown, not gone.
    """
    veiled = set(unidentified)
    return {
        id_: added_at
        for id_, added_at in present.items()
        if listed.get(id_) != added_at and added_at not in veiled
    }


def is_gap_suspected(
    item_count: int, oldest: datetime | None, newest_known: datetime | None, *, page_size: int
) -> bool:
    """Say whether plays may have been lost between two polls.

    Only the latest `page_size` plays can be asked for: a full page whose oldest play is newer than the
    newest one known before leaves room for plays that nobody saw. On the first poll nothing is known, so
    nothing is suspected.
    """
    if oldest is None or newest_known is None or item_count < page_size:
        return False
    return oldest > newest_known
