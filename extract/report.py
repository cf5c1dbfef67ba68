"""The reports of syncs and polls: frozen values for a terminal, a log line or a flow's artifact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PollOutcome: TypeAlias = Literal["new", "nothing_new", "empty", "skipped"]
Progress: TypeAlias = "Callable[[int, int], None]"
"""Called on long passes with (entries seen, entries expected)."""

HEADLINE_WORDS = {"liked_tracks": "likes", "saved_albums": "albums"}


@dataclass(frozen=True)
class LoadReport:
    """The outcome of one sync of one resource.

    `rows` is the number of new or changed rows, `removed` that of entries that left, `calls` that of calls to
    the Web API, attempts included. `detail` has further facts: `pass` (full, incremental, skipped), `why`,
    `not_whole` (why nothing was removed), `returned`, counts; `quarantined` (what was refused, and why) and
    `without_id` (how many entries Spotify showed without one) were not stored.
    """

    resource: str
    rows: int
    removed: int
    calls: int
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """Return the report as one line."""
        if self.detail.get("pass") == "skipped":
            return f"skipped, {self.detail.get('why')}"
        gone = f", {self.removed} removed" if self.removed else ""
        refused, unnamed = len(self.detail.get("quarantined", ())), self.detail.get("without_id", 0)
        return f"{self.rows} rows{gone}{_not_stored(refused, unnamed)}, {self.calls} calls"

    @property
    def headline(self) -> str:
        """Return what changed in a few words, for a run's name; empty where that is not what it is about."""
        word = HEADLINE_WORDS.get(self.resource)
        if word is None or not (self.rows or self.removed):
            return ""
        return f"{self.rows:,} {word}" + (f", {self.removed:,} gone" if self.removed else "")

    @classmethod
    def skipped(cls, resource: str) -> LoadReport:
        """Return the report of a sync that another process is making already."""
        return cls(resource, 0, 0, 0, {"pass": "skipped", "why": "another process is syncing it"})


@dataclass(frozen=True)
class PollReport:
    """The outcome of one poll: Spotify listed `count` plays, of which `new` are stored now.

    `refused` could not be stored, and are in `ops.quarantined_rows`.
    """

    outcome: PollOutcome
    count: int
    new: int
    gap_suspected: bool
    calls: int
    refused: int = 0

    @property
    def summary(self) -> str:
        """Return the report as one line."""
        return f"{self.new} new of {self.count} plays{_not_stored(self.refused)}, {self.calls} calls"

    @property
    def headline(self) -> str:
        """Return what was new in a few words, for a run's name."""
        told = f"{self.new} new" if self.new else "nothing new"
        return f"{told}, a gap is suspected" if self.gap_suspected else told


def _not_stored(refused: int, unnamed: int = 0) -> str:
    """Say how many entries were not stored, and where they are; empty where all were."""
    parts = [f"{refused} refused, see ops.quarantined_rows"] if refused else []
    parts += [f"{unnamed} without an id"] if unnamed else []
    return f", {refused + unnamed} not stored ({'; '.join(parts)})" if parts else ""
