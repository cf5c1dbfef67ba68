"""The only source of *now* for decisions about data.

`simulated_time` says when it may differ from the real time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.settings import Settings


def as_of(settings: Settings) -> datetime:
    """Return TRACKER_AS_OF if it is set, else the real time, in UTC. Tokens and quotas use `real_now`."""
    return settings.tracker_as_of or real_now()


def real_now() -> datetime:
    """Return the real time in UTC."""
    return datetime.now(UTC)
