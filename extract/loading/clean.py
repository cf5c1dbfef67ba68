"""Makes values of the API storable: JSON, times, texts. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST_KEY = 500
# PostgreSQL's jsonb refuses NUL and half a surrogate pair. One such character would fail its load and, as the
# package stays pending, every later one.
_UNSTORABLE = re.compile("[\u0000\ud800-\udfff]")


@dataclass(frozen=True)
class Rejected:
    """A row that was not loaded: its key, the reason, and Spotify's answer."""

    resource: str
    key: str
    reason: str
    payload: Any


def clean(value: Any) -> Any:
    """Return a JSON value without NULs (removed) and lone surrogates (replaced by U+FFFD), in keys too."""
    if isinstance(value, str):
        if value.isascii() and "\u0000" not in value:
            return value
        return _UNSTORABLE.sub(lambda m: "" if m.group() == "\u0000" else "\ufffd", value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


def parse_time(value: Any) -> datetime:
    """Return an ISO 8601 time of the API in UTC. Raises ValueError for any other value."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"no time: {value!r}")
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def optional_time(value: Any) -> datetime | None:
    """Return the time in UTC, None where it is missing or unreadable (the payload keeps it)."""
    try:
        return parse_time(value)
    except ValueError:
        return None


def text_or_none(value: Any) -> str | None:
    """Return a text of 1 to 500 characters, otherwise None. A longer one is no id, and no index takes it."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_KEY else None
