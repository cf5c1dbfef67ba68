"""How a full pass reads its pages, and how one that was cut short goes on instead of beginning anew.

Likes come newest first. A list that shows the same first page and the same total as then is unchanged: what
is added comes first, what is removed lowers the total, one of each changes the first page. Only then do the
pages of then and of now make one view of one list; else everything is listed from the start.

Albums come in no documented order, so pages of then prove nothing today. What was not seen then is read
first, so that every attempt gets on; then the others, and the first page once more, to know that nothing
shifted meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from psycopg2.extras import Json

from extract.library.changes import PAGE_SIZE
from extract.loading.clean import parse_time
from extract.loading.whole_view import PageFacts, why_not_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from extract.library.albums import AlbumCompleter
    from extract.library.load_changes import Intake
    from extract.library.stored import Collection
    from profiles.database import Database
    from profiles.session import Session
    from profiles.spotify.client import Page

KEPT = timedelta(days=3)

Entries = list[list[str]]  # [id, added_at] as ISO text


class Reading(Protocol):
    """The pages of one full pass over one collection."""

    view: list[PageFacts]
    """The pages that were taken, those of a pass that was cut short included where they still hold."""

    def pages(self) -> Iterator[Page]:
        """The pages that have to be read. Raises TrackerError."""

    def note(self, page: Page) -> None:
        """Its items have been taken in."""

    def remember(self) -> None:
        """Keep the place. All that was taken must have been loaded."""

    def why_not_whole(self) -> str | None:
        """Say why the pages are not one whole view of the list, None where they are."""


@dataclass
class LikesReading:
    """Pages newest first."""

    session: Session
    collection: Collection
    intake: Intake
    view: list[PageFacts] = field(default_factory=list)
    _first_page: Entries = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Those that are left, where the list is the one of the pass that was cut short; else all."""
        database, resource = self.session.database, self.collection.table.name
        cut = recall(database, resource, self.intake.noticed_at)
        if cut is not None and self._is_unchanged(cut):
            self._take_up(cut)
        elif cut is not None:
            forget(database, resource)
        start = self.view[-1].offset + self.view[-1].count if self.view else 0
        yield from self.session.spotify.pages(self.collection.path, limit=PAGE_SIZE, offset=start)

    def note(self, page: Page) -> None:
        """Its items have been taken in."""
        self._first_page = self._first_page or entries_of(page.items, self.collection.kind)
        self.view.append(PageFacts.of(page))

    def remember(self) -> None:
        """Keep the place, unless there are entries that could not be stored or wait for a proof."""
        intake = self.intake
        moments = [moment for moment in intake.unidentified if moment is not None]
        is_plain = not (intake.has_held or intake.undated or intake.refused or intake.rejected)
        is_worth_it = len(self.view) > 1
        if is_plain and is_worth_it and len(moments) == len(intake.unidentified):
            detail = {
                "pages": [[page.offset, page.count, page.total] for page in self.view],
                "listed": {id_: added_at.isoformat() for id_, added_at in intake.listed.items()},
                "unidentified": [moment.isoformat() for moment in moments],
                "first_page": self._first_page,
            }
            _keep(self.session.database, self.collection.table.name, intake.noticed_at, detail)

    def why_not_whole(self) -> str | None:
        """Say why the pages are not one whole view of the list, None where they are."""
        return why_not_whole(self.view, self.intake.distinct)

    def _is_unchanged(self, cut: Mapping[str, Any]) -> bool:
        """Say, for one call, whether the list is still the one of the pass that was cut short."""
        page = self.session.spotify.page(self.collection.path, limit=PAGE_SIZE)
        has_same_entries = entries_of(page.items, self.collection.kind) == cut["first_page"]
        return has_same_entries and PageFacts.of(page) == PageFacts(*cut["pages"][0])

    def _take_up(self, cut: Mapping[str, Any]) -> None:
        self._first_page = cut["first_page"]
        self.view.extend(PageFacts(*facts) for facts in cut["pages"])
        self.intake.listed.update({id_: parse_time(moment) for id_, moment in cut["listed"].items()})
        self.intake.unidentified.extend(parse_time(moment) for moment in cut["unidentified"])


@dataclass
class AlbumsReading:
    """Pages in whatever order: those that the pass before did not reach come first."""

    session: Session
    collection: Collection
    intake: Intake
    albums: AlbumCompleter
    view: list[PageFacts] = field(default_factory=list)
    _seam: tuple[PageFacts, Entries] | None = None
    _is_shifted: bool = False

    def pages(self) -> Iterator[Page]:
        """From the place on, then from the start up to it."""
        cut = recall(self.session.database, self.collection.table.name, self.intake.noticed_at) or {}
        self.albums.completed.update(cut.get("completed", []))
        start = cut.get("offset", 0)
        if start:
            for page in self.session.spotify.pages(self.collection.path, limit=PAGE_SIZE, offset=start):
                if page.items:
                    self._seam = self._seam or self._facts(page)
                    yield page
        for page in self.session.spotify.pages(self.collection.path, limit=PAGE_SIZE):
            if self._seam is not None and page.offset >= start:
                # an entry that moved down over the place, from what was not read yet, has not been seen
                self._is_shifted = self._facts(page) != self._seam
                return
            yield page

    def note(self, page: Page) -> None:
        """Its items have been taken in."""
        self.view.append(PageFacts.of(page))

    def remember(self) -> None:
        """Keep the place, and which long albums need not be asked for again."""
        if not self.view:
            return  # what was kept before still holds
        reached = self.view[-1].offset + self.view[-1].count
        is_at_end = reached >= (self.view[-1].total or 0)
        detail = {"offset": 0 if is_at_end else reached, "completed": sorted(self.albums.completed)}
        if detail["offset"] or detail["completed"]:
            _keep(self.session.database, self.collection.table.name, self.intake.noticed_at, detail)

    def why_not_whole(self) -> str | None:
        """Say why the pages are not one whole view of the list, None where they are."""
        if self._is_shifted:
            return "the list shifted while paging"
        return why_not_whole(sorted(self.view, key=lambda page: page.offset), self.intake.distinct)

    def _facts(self, page: Page) -> tuple[PageFacts, Entries]:
        return PageFacts.of(page), entries_of(page.items, self.collection.kind)


def recall(database: Database, resource: str, now: datetime) -> Mapping[str, Any] | None:
    """Return what was kept of the last pass that was cut short, None where none was, or long ago."""
    with database.transaction() as cursor:
        cursor.execute(
            "select checked_at, detail from ops.source_checks where resource = %s", [_name(resource)]
        )
        row: tuple[datetime, dict[str, Any]] | None = cursor.fetchone()
    return None if row is None or now - row[0] > KEPT else row[1]


def forget(database: Database, resource: str) -> None:
    """Forget the place: the pass was finished, or the list has changed."""
    with database.transaction() as cursor:
        cursor.execute("delete from ops.source_checks where resource = %s", [_name(resource)])


def entries_of(items: Sequence[Any], kind: str) -> Entries:
    """Return what tells one page of a list from another."""
    found = []
    for came in items:
        item = came if isinstance(came, dict) else {}
        thing = item.get(kind)
        id_ = thing.get("id") if isinstance(thing, dict) else None
        found.append([str(id_), str(item.get("added_at"))])
    return found


def _keep(database: Database, resource: str, moment: datetime, detail: Mapping[str, Any]) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            """
            insert into ops.source_checks (resource, checked_at, is_complete, detail)
            values (%s, %s, false, %s)
            on conflict (resource) do update set checked_at = excluded.checked_at, detail = excluded.detail
            """,
            [_name(resource), moment, Json(detail)],
        )


def _name(resource: str) -> str:
    return f"{resource}:cut_short"
