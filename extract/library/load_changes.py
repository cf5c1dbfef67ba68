"""Takes listed items in and loads those that are new or changed: an unchanged library writes no row."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from extract.library.changes import Entry
from extract.library.stored import Collection, KnownEntry, event_row
from extract.loading import pipeline, quarantine
from extract.loading.clean import Rejected, clean, optional_time, text_or_none
from extract.loading.filling import filled
from extract.loading.source_checks import mark_unfinished
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from extract.loading.tables import FILLED, LIBRARY_REMOVALS, Row
from extract.report import LoadReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from profiles.session import Session

logger = logging.getLogger(__name__)

CHUNK_ROWS = 1000  # a kill in a long first pass loses at most so many; memory stays flat

Complete: TypeAlias = "Callable[[dict[str, Any], Mapping[str, Any] | None], dict[str, Any]]"
"""Makes a listed item whole, from the stored one where that still fits, else from Spotify."""


@dataclass
class Intake:
    """The state of one pass over one collection. `take` pages, then `finish`; `flush` what is not whole."""

    session: Session
    collection: Collection
    known: Mapping[str, KnownEntry]
    noticed_at: datetime
    complete: Complete | None = None

    listed: dict[str, datetime] = field(default_factory=dict)
    unidentified: list[datetime | None] = field(default_factory=list)
    undated: set[str] = field(default_factory=set)
    refused: dict[str, datetime] = field(default_factory=dict)
    rows_written: int = 0
    returned: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _events: list[Row] = field(default_factory=list)
    _held: list[Row] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        """How many different entries have been listed, those without an id or a date included."""
        return len(self.listed) + len(self.unidentified) + len(self.undated)

    @property
    def has_held(self) -> bool:
        """Whether entries wait for the proof that their earlier ones are gone."""
        return bool(self._held)

    def take(self, items: Sequence[Any], *, may_flush: bool = True) -> None:
        """Take one page's items. Loads a chunk when enough has gathered, unless told to wait."""
        fresh = self._read(items)
        stored = stored_payloads(
            self.session.database, self.collection.table, [i for i in fresh if i in self.known]
        )
        for id_, item in fresh.items():
            self._weigh(id_, item, stored.get(id_))
        if may_flush and len(self._rows) >= CHUNK_ROWS:
            self.flush()

    def finish(self, removed: Mapping[str, datetime]) -> int:
        """Load the rest and the events of a whole pass, in one package. Returns how many are gone."""
        superseded = {row[self.collection.key] for row in self._held}
        events = [
            event_row(self.collection, id_, self.known[id_], "removed", self.noticed_at)
            for id_ in sorted({*removed, *superseded})
        ]
        self._load([*self._rows, *self._held], [*self._events, *events])
        return len(events)

    def flush(self) -> None:
        """Load what has come, before the pass is known to be whole: nothing is removed or replaced by it."""
        if self._rows or self._events:
            mark_unfinished(self.session.database, self.collection.table.name, self.noticed_at)
        self._load(self._rows, self._events)
        self._rows, self._events = [], []

    def unstored(self, but: AbstractSet[Entry] = frozenset()) -> list[tuple[str, str]]:
        """Entries without a row (no id, or refused) as [id, added_at]: part of the known list, too."""
        entries = {Entry(moment, "") for moment in self.unidentified if moment is not None}
        entries |= {Entry(moment, id_) for id_, moment in self.refused.items()}
        return sorted((entry.id, entry.added_at.isoformat()) for entry in entries - but)

    def report(self, removed: int, detail: Mapping[str, Any]) -> LoadReport:
        """Tell what the pass did; its calls are the caller's to count."""
        more: dict[str, Any] = {}
        if self.returned:
            more["returned"] = self.returned
        if self.unidentified:
            more["without_id"] = len(self.unidentified)
        if self.rejected:
            more["quarantined"] = [f"{row.key}: {row.reason}" for row in self.rejected]
        return LoadReport(self.collection.table.name, self.rows_written, removed, 0, {**detail, **more})

    def _read(self, items: Sequence[Any]) -> dict[str, dict[str, Any]]:
        fresh: dict[str, dict[str, Any]] = {}
        for came in items:
            item = clean(came) if isinstance(came, dict) else {}
            thing = item.get(self.collection.kind)
            id_ = text_or_none(thing.get("id")) if isinstance(thing, dict) else None
            added_at = optional_time(item.get("added_at"))
            if id_ is None:
                self.unidentified.append(added_at)
            elif id_ in self.listed or id_ in self.undated:
                continue  # the list shifted while paging: the guard counts it, here it must not load twice
            elif added_at is None:
                self.undated.add(id_)
                self._reject(id_, "without a readable added_at", came)
            else:
                self.listed[id_] = added_at
                fresh[id_] = item
        return fresh

    def _weigh(self, id_: str, item: dict[str, Any], stored: StoredPayload | None) -> None:
        entry = self.known.get(id_)
        added_at = self.listed[id_]
        if self.complete is not None:
            item = self.complete(item, stored and stored.latest)
        row = {
            self.collection.key: id_,
            "added_at": added_at,
            "payload": item,
            FILLED: filled(item, stored and stored.best),
        }
        if entry is None:
            self._rows.append(row)
        elif entry.added_at != added_at:
            # liked again. While the earlier entry counts as standing, the new one replaces it only together
            # with its removal, which is decided from whole passes alone
            (self._held if entry.is_present else self._rows).append(row)
        else:
            if not entry.is_present:
                self.returned += 1
                self._events.append(event_row(self.collection, id_, entry, "returned", self.noticed_at))
            if stored is None or item != stored.latest:
                self._rows.append(row)

    def _reject(self, id_: str, reason: str, payload: Any) -> None:
        row = Rejected(self.collection.table.name, id_, reason, payload)
        self.rejected.append(row)
        quarantine.store(self.session, [row])

    def _load(self, rows: Sequence[Row], events: Sequence[Row]) -> None:
        loaded = pipeline.load(
            self.session, "library", {self.collection.table: rows, LIBRARY_REMOVALS: events}
        )
        self.rejected.extend(loaded.rejected)
        refused = {row.key for row in loaded.rejected if row.resource == self.collection.table.name}
        self.refused.update({id_: self.listed[id_] for id_ in refused})
        self.rows_written += len(rows) - len(refused)
