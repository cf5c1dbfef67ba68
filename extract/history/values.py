"""Turns columns of JSON values into Arrow arrays. An unreadable value is null or rejects its row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.history.arrow_rows import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPOTIFY_STARTED = datetime(2006, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = (
    100_000_000_000  # as seconds the year 5138, as milliseconds 1973: no real value is ambiguous
)
_CONVERSION_ERRORS = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)
_TRUE = {True, "true", "True", "TRUE", "1"}
_FALSE = {False, "false", "False", "FALSE", "0"}
_INT64 = 1 << 63


def texts(values: Sequence[Any], *, has_nul: bool) -> pa.Array:
    """Return text. Empty text is null, as PostgreSQL's COPY cannot tell the two apart; NUL is removed."""
    try:
        array = pa.array(values, pa.string())
    except _CONVERSION_ERRORS:
        array = pa.array([value if value is None else str(value) for value in values], pa.string())
    if has_nul:
        array = pc.replace_substring(array, "\x00", "")
    if array.null_count == len(array):
        return array
    is_empty = pc.equal(array, "")
    return pc.if_else(is_empty, None, array) if pc.any(is_empty).as_py() else array


def flags(values: Sequence[Any]) -> pa.Array:
    """Return booleans, null for every other value."""
    try:
        return pa.array(values, pa.bool_())
    except _CONVERSION_ERRORS:
        return pa.array([_flag(value) for value in values], pa.bool_())


def integers(values: Sequence[Any]) -> pa.Array:
    """Return whole numbers, null for every other value."""
    try:
        return pa.array(values, pa.int64())
    except _CONVERSION_ERRORS:
        return pa.array([_integer(value) for value in values], pa.int64())


def durations(values: Sequence[Any], reasons: dict[int, str]) -> pa.Array:
    """Return milliseconds, null where there are none. A negative or unreadable value rejects its row."""
    array = integers(values)
    if array.null_count:
        for index, value in enumerate(values):
            if value is not None and value != "" and not array[index].is_valid:
                reasons.setdefault(index, "the time played is not a number")
    smallest = pc.min(array).as_py()
    if smallest is not None and smallest < 0:
        for index in pc.indices_nonzero(pc.less(array, 0).fill_null(False)).to_pylist():
            reasons.setdefault(index, "the time played is negative")
    return array


def times(values: Sequence[Any], reasons: dict[int, str]) -> pa.Array:
    """Return the ends of streams in UTC. A row without one, or from before Spotify existed, is rejected."""
    try:
        array = pa.array(values, pa.string())
        array = array.cast(UTC_TIME) if _has_zone(values) else array.cast(pa.timestamp("us")).cast(UTC_TIME)
    except _CONVERSION_ERRORS:
        array = pa.array([_time(value) for value in values], UTC_TIME)
    if array.null_count:
        for index in pc.indices_nonzero(pc.is_null(array)).to_pylist():
            missing = values[index] is None or values[index] == ""
            reasons.setdefault(index, "no timestamp" if missing else "the timestamp cannot be read")
    first = pc.min(array).as_py()
    if first is not None and first < _SPOTIFY_STARTED:
        too_early = pc.less(array, pa.scalar(_SPOTIFY_STARTED, UTC_TIME)).fill_null(False)
        for index in pc.indices_nonzero(too_early).to_pylist():
            reasons.setdefault(index, "the timestamp is from before Spotify existed")
    return array


def moments(numbers: pa.Array) -> pa.Array:
    """Return times from seconds or milliseconds since 1970, by their size; null for 0 and nonsense."""
    is_ms = pc.greater_equal(numbers, _MILLISECONDS_FROM)
    limit = pa.scalar(int(_LAST_MOMENT.timestamp()) * 1000)
    sane = pc.if_else(pc.and_(pc.greater(numbers, 0), pc.less(numbers, limit)), numbers, None)
    micros = pc.if_else(is_ms, pc.multiply(sane, 1000), pc.multiply(pc.if_else(is_ms, None, sane), 1_000_000))
    return micros.cast(UTC_TIME)


def _has_zone(values: Sequence[Any]) -> bool:
    first = next((value for value in values if value), "")
    return isinstance(first, str) and (first.endswith("Z") or "+" in first)


def _time(value: Any) -> datetime | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, (int, float)):
            seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
            return _EPOCH + timedelta(seconds=seconds)
        parsed = datetime.fromisoformat(str(value).strip().replace(" UTC", "Z"))
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _flag(value: Any) -> bool | None:
    if not isinstance(value, (bool, int, str)):
        return None
    return True if value in _TRUE else False if value in _FALSE else None


def _integer(value: Any) -> int | None:
    try:
        number = int(value) if isinstance(value, (int, str)) else value
        if isinstance(number, float) and number.is_integer():
            number = int(number)
    except ValueError:
        return None
    return number if isinstance(number, int) and -_INT64 <= number < _INT64 else None
