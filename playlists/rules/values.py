"""Values of conditions: each is checked by the type of its field and brought into the form that is stored.

Every function raises ValueError with what would be right. Rules come from forms and files, so a text such as
"10" or "yes" is read as a number or a truth value.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from playlists.rules.fields import VALUELESS, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TEXT = 1000
LONGEST_LIST = 1000
LARGEST_NUMBER = 10**15
_LONGEST_SPAN = {"days": 36_500, "weeks": 5_200, "months": 1_200, "years": 100}

_SPAN = re.compile(r"^\s*(\d{1,6})\s*(day|week|month|year)s?\s*$", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?$", re.ASCII)
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Value = str | int | float | bool | list[str] | list[int] | list[float] | list[Any]


def checked_value(kind: FieldType, operator: str, value: Any) -> Value | None:
    """Return the value as it is stored; `kind` takes `operator`. Raises ValueError with the remedy."""
    if operator in VALUELESS:
        if value not in (None, "", []):
            raise ValueError(f"'{operator}' takes no value; leave it out")
        return None
    if operator in ("in the last", "not in the last"):
        return checked_span(value)
    single = _CHECKS[kind]
    if operator in ("in", "not in"):
        return _listed(single, operator, value)
    if operator == "between":
        return _pair(kind, single, value)
    if value is None or isinstance(value, list | tuple | dict):
        raise ValueError(f"'{operator}' takes one value, such as {_EXAMPLES[kind]}")
    if operator == "matches":
        return checked_text(value)
    checked: Value = single(value)
    return checked


def checked_text(value: Any) -> str:
    """Return any text that PostgreSQL can hold; a number becomes a text (an album can be called 1999)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("it is compared with text; write one such as 'Pulp'")  # noqa: TRY004  # as promised
    text = str(value)
    if not text:
        raise ValueError("the text is empty; write some, or use 'is missing'")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("the text holds a character that no database stores; type it again")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"the text is longer than {LONGEST_TEXT} letters; shorten it")
    return text


def checked_number(value: Any) -> int | float:
    """A finite number of at most 15 digits."""
    if isinstance(value, str):
        try:
            value = float(value) if re.search(r"[.eE]", value) else int(value)
        except ValueError:
            raise ValueError(f"'{value}' is no number; write one such as 10") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("it is compared with a number; write one such as 10")
    number: int | float = value
    if abs(number) > LARGEST_NUMBER:
        raise ValueError(f"{value} is too large; at most 15 digits are compared")
    return number


def checked_truth(value: Any) -> bool:
    """True or false."""
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    if not isinstance(value, bool):
        raise ValueError("it is true or false; write one of them")  # noqa: TRY004  # as promised
    return value


def checked_day(value: Any) -> str:
    """A year, a month or a day: 1995, 1995-10, 1995-10-30."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if _DAY.match(text):
        try:
            date.fromisoformat(text + "-01-01"[len(text) - 4 :])
        except ValueError:
            raise ValueError(f"there is no {text}; write a day of the calendar") from None
        return text
    raise ValueError("it is compared with a day; write 2026-03-01, or a whole month 2026-03, or a year 2026")


def checked_moment(value: Any) -> str:
    """A year, month or day in the user's zone, or an instant with its offset; the latter is stored in UTC."""
    text = str(value).strip()
    if len(text) <= len("2026-03-01"):
        return checked_day(value)
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T", 1))
    except ValueError:
        raise ValueError(f"'{text}' is no time; write 2026-03-01 or 2026-03-01T18:00:00+01:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' says no offset from UTC; write it like {text.replace(' ', 'T', 1)}+01:00")
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError(f"'{text}' lies outside the calendar; write another time") from None


def checked_span(value: Any) -> str:
    """A span of time up to today, today included: '30 days', and weeks, months or years."""
    match = _SPAN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("it takes a span of time; write '30 days', or weeks, months or years")
    amount, unit = int(match.group(1)), match.group(2).lower() + "s"
    if not 1 <= amount <= _LONGEST_SPAN[unit]:
        raise ValueError(f"a span is from 1 to {_LONGEST_SPAN[unit]} {unit}")
    return f"{amount} {unit}"


def _listed(single: Callable[[Any], Any], operator: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f'\'{operator}\' takes a list with at least one value, such as ["a", "b"]')
    if len(value) > LONGEST_LIST:
        raise ValueError(f"a list has at most {LONGEST_LIST} values; put the tracks into a playlist instead")
    return [single(each) for each in value]


def _pair(kind: FieldType, single: Callable[[Any], Any], value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004  # a pair
        raise ValueError(f"'between' takes two values, both included, such as [{_EXAMPLES[kind]}, …]")
    low, high = single(value[0]), single(value[1])
    if (low > high) if kind == "number" else (_first_day(low) > _first_day(high)):
        raise ValueError(f"nothing lies between {low} and {high}; write the smaller one first")
    return [low, high]


def _first_day(text: str) -> str:
    return text[:10] + "-01-01"[len(text[:10]) - 4 :]


_CHECKS: dict[FieldType, Callable[[Any], Any]] = {
    "text": checked_text,
    "list": checked_text,
    "number": checked_number,
    "boolean": checked_truth,
    "date": checked_day,
    "moment": checked_moment,
}
_EXAMPLES: dict[FieldType, str] = {
    "text": '"Pulp"',
    "list": '"Pulp"',
    "number": "10",
    "boolean": "true",
    "date": '"1995-10-30"',
    "moment": '"2026-03-01"',
}
