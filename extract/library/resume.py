"""How a full pass reads its pages, and how it goes on where an earlier one was cut short.

Likes come newest first. A list that shows the same first page and the same total as then is unchanged: a new
entry comes first, a removed one lowers the total, and one of each changes the first page. Only in that case
do the earlier and the later pages make one view of one list; otherwise everything is listed from the start.

Albums come in no documented order, so earlier pages prove nothing later. Pages that were not read then come
first, so that every attempt gets further. The others follow, and then the first page is read once more, to
show that nothing shifted meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg2.extras import Json

from extract.loading.clean import parse_time
from extract.loading.whole_view import PAGE_SIZE, PageFacts, why_not_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from extract.library.albums import AlbumCompleter
    from extract.library.load_changes import ChangeLoader
    from extract.library.stored import Collection
    from profiles.database import Database
    from profiles.spotify.client import Page

KEPT_FOR = timedelta(days=3)

EntryNames: TypeAlias = list[list[str]]
"""The entries of a page as [id, added_at], both as text."""


@dataclass
class ResumableListing(ABC):
    """The pages of one full pass over one collection.

    `view` has the pages whose entries are added, also those of an earlier pass that are still valid.
    """

    loader: ChangeLoader
    view: list[PageFacts] = field(default_factory=list)

    @abstractmethod
    def pages(self) -> Iterator[Page]:
        """Yield the pages that have to be read. Raises TrackerError."""

    @abstractmethod
    def save_place(self) -> None:
        """Save how far the pass has come. All that was added must have been loaded."""

    def note(self, page: Page) -> None:
        """Note that the entries of the page are added."""
        self.view.append(PageFacts.of(page))

    def why_not_whole(self) -> str | None:
        """Say why the pages are not one whole view of the list, None where they are."""
        return why_not_whole(self.view, self.loader.distinct)

    def _read_pages(self, offset: int) -> Iterator[Page]:
        spotify = self.loader.run.session.spotify
        return spotify.pages(self.loader.collection.path, limit=PAGE_SIZE, offset=offset)

    def _facts_of(self, page: Page) -> tuple[PageFacts, EntryNames]:
        return PageFacts.of(page), entry_names(page.items, self.loader.collection)


@dataclass
class LikesListing(ResumableListing):
    """The pages of the likes, newest first."""

    _first_page: EntryNames = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield the remaining pages where the list is the one of the earlier pass, otherwise all."""
        run = self.loader.run
        place = read_place(run.session.database, run.resource, run.started_at)
        if place is not None and self._is_unchanged(place):
            self._resume_at(place)
        elif place is not None:
            forget_place(run.session.database, run.resource)
        start = self.view[-1].offset + self.view[-1].count if self.view else 0
        yield from self._read_pages(start)

    def note(self, page: Page) -> None:
        """Note that the entries of the page are added, and which page was the first."""
        self._first_page = self._first_page or entry_names(page.items, self.loader.collection)
        super().note(page)

    def save_place(self) -> None:
        """Save the place, unless entries could not be stored or wait for a proof."""
        loader = self.loader
        if len(self.view) > 1 and loader.is_plain:
            place = {
                "pages": [[page.offset, page.count, page.total] for page in self.view],
                "listed": {id_: added_at.isoformat() for id_, added_at in loader.listed.items()},
                "unidentified": [moment.isoformat() for moment in loader.unidentified_times],
                "first_page": self._first_page,
            }
            _write_place(loader, place)

    def _is_unchanged(self, place: Mapping[str, Any]) -> bool:
        """Ask with one call whether the list is still the one of the earlier pass."""
        page = self.loader.run.session.spotify.page(self.loader.collection.path, limit=PAGE_SIZE)
        return self._facts_of(page) == (PageFacts(*place["pages"][0]), place["first_page"])

    def _resume_at(self, place: Mapping[str, Any]) -> None:
        self._first_page = place["first_page"]
        self.view.extend(PageFacts(*facts) for facts in place["pages"])
        self.loader.listed.update({id_: parse_time(moment) for id_, moment in place["listed"].items()})
        self.loader.unidentified.extend(parse_time(moment) for moment in place["unidentified"])


@dataclass
class AlbumsListing(ResumableListing):
    """The pages of the saved albums: first those that the earlier pass did not read."""

    albums: AlbumCompleter = field(kw_only=True)
    _first_read: tuple[PageFacts, EntryNames] | None = None
    _has_shifted: bool = False

    def pages(self) -> Iterator[Page]:
        """Yield the pages from the saved place on, then those from the start up to it."""
        run = self.loader.run
        place = read_place(run.session.database, run.resource, run.started_at) or {}
        self.albums.completed.update(place.get("completed", []))
        start = place.get("offset", 0)
        if start:
            for page in self._read_pages(start):
                if page.items:
                    self._first_read = self._first_read or self._facts_of(page)
                    yield page
        for page in self._read_pages(0):
            if self._first_read is not None and page.offset >= start:
                # an entry that moved down across the place, from the unread part, has not been seen
                self._has_shifted = self._facts_of(page) != self._first_read
                return
            yield page

    def save_place(self) -> None:
        """Save the place, and which long albums need not be asked for again."""
        if not self.view:
            return  # the place that was saved before is still valid
        reached = self.view[-1].offset + self.view[-1].count
        is_at_end = reached >= (self.view[-1].total or 0)
        place = {"offset": 0 if is_at_end else reached, "completed": sorted(self.albums.completed)}
        if place["offset"] or place["completed"]:
            _write_place(self.loader, place)

    def why_not_whole(self) -> str | None:
        """Say why the pages are not one whole view of the list, None where they are."""
        if self._has_shifted:
            return "the list shifted while paging"
        return why_not_whole(sorted(self.view, key=lambda page: page.offset), self.loader.distinct)


def read_place(database: Database, resource: str, now: datetime) -> Mapping[str, Any] | None:
    """Return the place of the last pass that was cut short; None where none was, or over three days ago."""
    with database.transaction() as cursor:
        cursor.execute(
            "select checked_at, detail from ops.source_checks where resource = %s", [_place_of(resource)]
        )
        row: tuple[datetime, dict[str, Any]] | None = cursor.fetchone()
    return None if row is None or now - row[0] > KEPT_FOR else row[1]


def forget_place(database: Database, resource: str) -> None:
    """Forget the place: the pass was finished, or the list has changed."""
    with database.transaction() as cursor:
        cursor.execute("delete from ops.source_checks where resource = %s", [_place_of(resource)])


def entry_names(items: Sequence[Any], collection: Collection) -> EntryNames:
    """Return what distinguishes one page of a list from another: ids and times, as text."""
    return [
        [str(collection.id_in(item)), str(item.get("added_at") if isinstance(item, dict) else None)]
        for item in items
    ]


def _write_place(loader: ChangeLoader, place: Mapping[str, Any]) -> None:
    with loader.run.session.database.transaction() as cursor:
        cursor.execute(
            """
            insert into ops.source_checks (resource, checked_at, is_complete, detail)
            values (%s, %s, false, %s)
            on conflict (resource) do update set checked_at = excluded.checked_at, detail = excluded.detail
            """,
            [_place_of(loader.run.resource), loader.run.started_at, Json(place)],
        )


def _place_of(resource: str) -> str:
    return f"{resource}:cut_short"
