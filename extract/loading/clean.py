"""The door: what comes in is made storable, and what cannot be stored is named. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# jsonb takes neither a NUL nor half of a surrogate pair; one such character would fail this load and, being
# kept as a pending package, every later one.
LONGEST_KEY = 500
_UNSTORABLE = re.compile("[\u0000\ud800-\udfff]")


@dataclass(frozen=True)
class Rejected:
    """A row that was not loaded: `key` names it, `reason` says why, `payload` is what came."""

    resource: str
    key: str
    reason: str
    payload: Any


def clean(value: Any) -> Any:
    """Return the JSON value without NULs (dropped) and lone surrogates (now U+FFFD), in keys too."""
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
    """Return an ISO 8601 time of the API in UTC. Raises ValueError where it is none."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"no time: {value!r}")
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def optional_time(value: Any) -> datetime | None:
    """Return the time, or None where there is none or none that can be read (the payload keeps it)."""
    try:
        return parse_time(value)
    except ValueError:
        return None


def text_or_none(value: Any) -> str | None:
    """Return a non-empty string, else None. One that no index could hold is no name of anything either."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_KEY else None
