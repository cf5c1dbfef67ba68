"""How far long work has come, as an artifact that moves while one watches the run in the UI."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

LONG = 500
"""Entries from which on work takes more than a few seconds; a bar for less would only be in the way."""
TELL_EVERY_S = 2.0


class ProgressBar:
    """A progress artifact: it appears once work turns out to be long, and moves every two seconds at most.

    It is a `Progress` of the syncs. A server that is away does not stop the work that it would show.
    """

    def __init__(self, key: str, what: str, *, appears_at: int = LONG) -> None:
        self._key = key
        self._what = what
        self._appears_at = appears_at
        self._id: UUID | None = None
        self._told_at = 0.0

    def __call__(self, done: int, total: int, text: str | None = None) -> None:
        """Show `done` of `total`, where it is time."""
        now = time.monotonic()
        if total < self._appears_at or now - self._told_at < TELL_EVERY_S:
            return
        self._told_at = now
        self._show(100 * done / total, text or f"{self._what}: {done:,} of {total:,}")

    def finish(self) -> None:
        """Move it to its end."""
        if self._id is not None:
            self._show(100.0, f"{self._what}: done")

    def _show(self, percent: float, text: str) -> None:
        with suppress(httpx.HTTPError):
            if self._id is None:
                made: Any = create_progress_artifact(progress=percent, key=self._key, description=text)
                self._id = made  # in a flow without async it is no coroutine
            else:
                update_progress_artifact(self._id, progress=min(100.0, percent), description=text)


@contextmanager
def progress_bar(key: str, what: str, *, appears_at: int = LONG) -> Iterator[ProgressBar]:
    """Yield a bar; it ends full where the work ends well, and stays where it was where it does not."""
    bar = ProgressBar(key, what, appears_at=appears_at)
    yield bar
    bar.finish()
