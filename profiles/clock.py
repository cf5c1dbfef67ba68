"""The one source of *now* for decisions about data. See simulated_time.py for where it may be another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.settings import Settings


def as_of(settings: Settings) -> datetime:
    """Return TRACKER_AS_OF, else the real time, in UTC. Not for tokens and quotas: they live in real time."""
    return settings.tracker_as_of or real_now()


def real_now() -> datetime:
    """Return the real time in UTC."""
    return datetime.now(UTC)
