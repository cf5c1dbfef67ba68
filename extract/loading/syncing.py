"""One sync of one resource: what every one of them does before, and what it reports after."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.loading import pipeline
from extract.loading.source_checks import write_check
from extract.report import LoadReport
from profiles.clock import as_of
from profiles.database import advisory_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from extract.loading.outcome import Loaded
    from extract.loading.tables import RawTable, Row
    from profiles.session import Session

logger = logging.getLogger(__name__)


@dataclass
class Sync:
    """One sync under its lock. `rows`, `removed` and `detail` gather what its report will say.

    `group` is the group of tables that it loads. Without the lock (`has_lock`) there is nothing to do.
    """

    session: Session
    resource: str
    group: str
    has_lock: bool
    started_at: datetime
    calls_before: int
    rows: int = 0
    removed: int = 0
    detail: dict[str, Any] = field(default_factory=dict)

    def load(self, batches: Mapping[RawTable, Sequence[Row]]) -> Loaded:
        """Load rows, all in one package, and count those that were stored. Raises LoadFailed."""
        loaded = pipeline.load(self.session, self.group, batches)
        self.rows += loaded.rows
        if loaded.rejected:
            refused = self.detail.setdefault("quarantined", [])
            refused += [f"{row.key}: {row.reason}" for row in loaded.rejected]
        return loaded

    def record_check(self, total: int | None, detail: Mapping[str, Any] | None = None) -> None:
        """Record in `ops.source_checks` that the resource was seen completely, with `total` entries."""
        write_check(self.session.database, self.resource, self.started_at, total, detail or {})

    @property
    def calls(self) -> int:
        """The calls to the Web API since the sync began, attempts included."""
        return self.session.spotify.calls_made - self.calls_before

    def report(self) -> LoadReport:
        """Return the report of the sync, and log it."""
        if not self.has_lock:
            logger.info("%s: skipped, another process is syncing it", self.resource)
            return LoadReport.skipped(self.resource)
        report = LoadReport(self.resource, self.rows, self.removed, self.calls, self.detail)
        logger.info("%s: %d rows, %d removed, %d calls %s", *vars(report).values())
        return report


@contextmanager
def sync(session: Session, resource: str, group: str, *reads: str) -> Iterator[Sync]:
    """Begin a sync: take the resource's lock, create the tables, and load what a killed run left.

    `group` is the group of tables that it loads, `reads` are further groups that it reads. Where another
    process syncs the resource, `has_lock` is False. Raises LoadFailed.
    """
    with resource_lock(session, resource, group) as run:
        if run.has_lock:
            pipeline.ensure_tables(session, group, *reads)
            pipeline.finish_pending(session, group)
            run.started_at = as_of(session.settings)
        yield run


@contextmanager
def resource_lock(session: Session, resource: str, group: str) -> Iterator[Sync]:
    """Take the resource's lock, where no other process has it, and begin to count calls."""
    with advisory_lock(session.database, f"extract:{resource}", wait=False) as has_lock:
        moment = as_of(session.settings)
        yield Sync(session, resource, group, has_lock, moment, session.spotify.calls_made)
