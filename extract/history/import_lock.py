"""One import at a time: the lock on `raw_export`, and the loader that its holder uses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from extract.loading import pipeline
from extract.loading.groups import EXPORTS
from profiles.database import advisory_lock
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extract.loading.loader import Loader
    from profiles.session import Session

IMPORT_WAIT_S = 5


class ImportRunningError(TrackerError):
    """Another import holds the tables."""


@contextmanager
def exclusive_loader(session: Session) -> Iterator[Loader]:
    """Yield the loader of `raw_export`. Its tables exist, and what a killed import left has been loaded.

    Raises ImportRunningError where another import is running, LoadFailed where the tables cannot be made.
    """
    name = f"load:{EXPORTS.pipeline_name}"
    with advisory_lock(session.database, name, wait=True, timeout_s=IMPORT_WAIT_S) as is_held:
        if not is_held:
            raise ImportRunningError(
                "Another import is running on this database.",
                remedy="Wait for it to end, then start this one.",
            )
        yield pipeline.prepare_group(session, EXPORTS)
