"""The way into the raw tables for every resource. dlt, whose import takes seconds, is imported when needed.

One load is one dlt package: the rows for the tables of one group. A kill can leave a package behind. It is
finished before anything else is loaded, because dlt would otherwise load it in place of the new rows.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from extract.loading import api_fields, quarantine
from extract.loading.groups import GROUPS
from extract.loading.outcome import Loaded, LoadFailed
from extract.loading.pending import may_hold_rows, pipelines_folder, working_folder
from extract.loading.standing import are_complete, create_indexes
from profiles.clock import as_of
from profiles.database import advisory_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extract.loading.loader import Loader
    from extract.loading.tables import RawTable, Row, TableGroup
    from profiles.session import Session

__all__ = ["LoadFailed", "Loaded", "ensure_tables", "finish_pending", "load", "pipelines_folder"]

# a reader's idle transaction would otherwise stop a load for as long as it stays open
LOCK_TIMEOUT = "60s"
LOAD_WAIT_S = 600


def load(session: Session, group: str, batches: Mapping[RawTable, Sequence[Row]]) -> Loaded:
    """Merge the rows into their tables of the group, in one package. Refused rows go into quarantine.

    Raises LoadFailed where the rows are not to blame.
    """
    with_rows = {table: list(rows) for table, rows in batches.items() if rows}
    if not with_rows:
        return Loaded(rows=0)
    with _group_lock(session, GROUPS[group]):
        loaded = open_loader(session, GROUPS[group]).load(with_rows)
    quarantine.store(session, loaded.rejected)
    api_fields.note(session.database, with_rows, as_of(session.settings))
    return loaded


def finish_pending(session: Session, group: str) -> None:
    """Load what a killed run left in the group's working folder; drop it where it can never be loaded.

    Call this before a decision is taken from stored rows: otherwise half of them might be missing.
    Raises LoadFailed.
    """
    if may_hold_rows(working_folder(session.settings, session.database, GROUPS[group])):
        with _group_lock(session, GROUPS[group]):
            open_loader(session, GROUPS[group])


def ensure_tables(session: Session, *groups: str) -> None:
    """Create the raw tables of these groups, or of all, with columns and indexes.

    A table that somebody dropped is made again, and a warning names it. Raises LoadFailed.
    """
    for name in groups or GROUPS:
        group = GROUPS[name]
        if not are_complete(session.database, group):
            with _group_lock(session, group):
                prepare_group(session, group)


def prepare_group(session: Session, group: TableGroup) -> Loader:
    """Create the tables and indexes of a group; return its loader. Hold the group's lock meanwhile."""
    loader = open_loader(session, group)
    create_indexes(session.database, group, lock_timeout=LOCK_TIMEOUT)
    return loader


def open_loader(session: Session, group: TableGroup) -> Loader:
    """Return a loader that is ready: tables exist, nothing is pending. Hold the group's lock meanwhile."""
    from extract.loading.loader import Loader  # noqa: PLC0415  # imports dlt

    loader = Loader(session.settings, session.database, group, lock_timeout=LOCK_TIMEOUT)
    loader.make_ready()
    return loader


@contextmanager
def _group_lock(session: Session, group: TableGroup) -> Iterator[None]:
    name = f"load:{group.pipeline_name}"
    with advisory_lock(session.database, name, wait=True, timeout_s=LOAD_WAIT_S) as is_held:
        if not is_held:
            raise LoadFailed(
                f"Another process has been loading '{group.name}' for ten minutes.",
                remedy="Look for a process that hangs, end it, and run this again.",
            )
        yield
