"""Loads listed items that are new or changed. An unchanged library writes no row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.library.changes import LibraryEntry
from extract.library.stored import Collection, StoredEntry, event_row
from extract.loading import pipeline, quarantine
from extract.loading.clean import Rejected, clean, optional_time
from extract.loading.filling import filled
from extract.loading.source_checks import mark_unfinished
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from extract.loading.tables import FILLED, LIBRARY_REMOVALS, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from extract.library.albums import AlbumCompleter
    from extract.loading.syncing import Sync

CHUNK_ROWS = 1000  # a kill in a long first pass loses at most so many; memory stays flat


@dataclass
class ChangeLoader:
    """One pass over one collection: `add` its pages, then `load_whole_pass`, or `load_partial` if cut short.

    `listed` are the entries with an id (id → added_at), `unidentified` the times of those without one,
    `undated` the ids of those without a readable time, and `refused` those that could not be stored.
    """

    run: Sync
    collection: Collection
    stored: Mapping[str, StoredEntry]
    albums: AlbumCompleter | None = None

    listed: dict[str, datetime] = field(default_factory=dict)
    unidentified: list[datetime | None] = field(default_factory=list)
    undated: set[str] = field(default_factory=set)
    refused: dict[str, datetime] = field(default_factory=dict)
    returned: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _events: list[Row] = field(default_factory=list)
    _rows_on_hold: list[Row] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        """How many different entries have been listed, those without an id or a date included."""
        return len(self.listed) + len(self.unidentified) + len(self.undated)

    @property
    def unidentified_times(self) -> list[datetime]:
        """The times of the entries without an id, as far as they have one."""
        return [moment for moment in self.unidentified if moment is not None]

    @property
    def is_plain(self) -> bool:
        """Whether every listed entry has a time, could be stored, and waits for nothing."""
        has_odd_entries = self.undated or self.refused or self.rejected or None in self.unidentified
        return not (has_odd_entries or self._rows_on_hold)

    def add(self, items: Sequence[Any], *, may_load: bool = True) -> None:
        """Add the items of one page. Loads a chunk when it is full, unless `may_load` is False."""
        new_items = self._new_items(items)
        stored_ids = [id_ for id_ in new_items if id_ in self.stored]
        payloads = stored_payloads(self.run.session.database, self.collection.table, stored_ids)
        for id_, item in new_items.items():
            self._compare(id_, item, payloads.get(id_))
        if may_load and len(self._rows) >= CHUNK_ROWS:
            self.load_partial()

    def load_whole_pass(self, removed: Mapping[str, datetime]) -> None:
        """Load the remaining rows and all events in one package: entries in `removed` left the library."""
        replaced = {row[self.collection.key] for row in self._rows_on_hold}
        removals = [
            event_row(self.collection, id_, self.stored[id_], "removed", self.run.started_at)
            for id_ in sorted({*removed, *replaced})
        ]
        self._load([*self._rows, *self._rows_on_hold], [*self._events, *removals])
        self.run.removed += len(removals)

    def load_partial(self) -> None:
        """Load the rows so far, before the pass is known to be whole: nothing is removed or replaced."""
        if self._rows or self._events:
            mark_unfinished(self.run.session.database, self.run.resource, self.run.started_at)
        self._load(self._rows, self._events)
        self._rows, self._events = [], []

    def unstored(self, but: AbstractSet[LibraryEntry] = frozenset()) -> list[tuple[str, str]]:
        """Return entries without a row (no id, or refused) as (id, added_at). They are in the library too."""
        entries = {LibraryEntry(moment, "") for moment in self.unidentified_times}
        entries |= {LibraryEntry(moment, id_) for id_, moment in self.refused.items()}
        return sorted((entry.id, entry.added_at.isoformat()) for entry in entries - but)

    def add_detail(self, detail: Mapping[str, Any]) -> None:
        """Add to the report what this pass did."""
        self.run.detail |= detail
        if self.returned:
            self.run.detail["returned"] = self.returned
        if self.unidentified:
            self.run.detail["without_id"] = len(self.unidentified)
        if self.rejected:
            self.run.detail["quarantined"] = [f"{row.key}: {row.reason}" for row in self.rejected]

    def _new_items(self, items: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """The items that can be stored, by id. An entry that was listed before is left out.

        It is listed twice where the list shifted while it was paged: the counts show that, and here it must
        not be loaded twice.
        """
        new_items: dict[str, dict[str, Any]] = {}
        for listed_item in items:
            item = clean(listed_item) if isinstance(listed_item, dict) else {}
            id_ = self.collection.id_in(item)
            added_at = optional_time(item.get("added_at"))
            if id_ is None:
                self.unidentified.append(added_at)
            elif id_ in self.listed or id_ in self.undated:
                continue
            elif added_at is None:
                self.undated.add(id_)
                self._reject(id_, "without a readable added_at", listed_item)
            else:
                self.listed[id_] = added_at
                new_items[id_] = item
        return new_items

    def _compare(self, id_: str, item: dict[str, Any], payload: StoredPayload | None) -> None:
        entry, added_at = self.stored.get(id_), self.listed[id_]
        if self.albums is not None:
            item = self.albums.complete(item, payload and payload.latest)
        row = {
            self.collection.key: id_,
            "added_at": added_at,
            "payload": item,
            FILLED: filled(item, payload and payload.best),
        }
        if entry is None:
            self._rows.append(row)
        elif entry.added_at != added_at:
            # liked again. While the earlier entry counts as present, the new one may replace it only together
            # with its removal, and removals are decided by whole passes alone
            (self._rows_on_hold if entry.is_present else self._rows).append(row)
        else:
            if not entry.is_present:
                self.returned += 1
                self._events.append(event_row(self.collection, id_, entry, "returned", self.run.started_at))
            if payload is None or item != payload.latest:
                self._rows.append(row)

    def _reject(self, id_: str, reason: str, payload: Any) -> None:
        row = Rejected(self.collection.table.name, id_, reason, payload)
        self.rejected.append(row)
        quarantine.store(self.run.session, [row])

    def _load(self, rows: Sequence[Row], events: Sequence[Row]) -> None:
        table = self.collection.table
        loaded = pipeline.load(self.run.session, self.run.group, {table: rows, LIBRARY_REMOVALS: events})
        self.rejected.extend(loaded.rejected)
        refused = {row.key for row in loaded.rejected if row.resource == table.name}
        self.refused.update({id_: self.listed[id_] for id_ in refused})
        self.run.rows += len(rows) - len(refused)
