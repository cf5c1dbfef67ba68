"""The rule language once more, in plain Python on plain rows, to hold the compiler to.

It shares nothing with the product but the spelling of the operators.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.dbt.rule_library import MEMBERS, TODAY, Track, library, track_id

ZONE = ZoneInfo("Europe/Berlin")
OPPOSITES = {
    "is not": "is",
    "not contains": "contains",
    "not in": "in",
    "not in the last": "in the last",
    "is present": "is missing",
    "not in playlist": "in playlist",
}
RECORDINGS = {
    playlist_id: {track["recording_id"] for number, track in enumerate(library()) if number in numbers}
    for playlist_id, numbers in MEMBERS.items()
}


def chosen(rule: dict[str, Any], tracks: list[Track]) -> set[str]:
    """Ids of the tracks that a rule selects."""
    return {track["track_id"] for track in tracks if holds(rule, track)}


def holds(rule: dict[str, Any], track: Track) -> bool:  # noqa: PLR0911  # one case a line
    """Whether a track meets a rule or a condition."""
    if "conditions" in rule:
        answers = [holds(part, track) for part in rule["conditions"]]
        answer = all(answers) if rule["match"] == "all" else any(answers)
        return not answer if rule.get("not") else answer
    operator = rule["operator"]
    if operator in OPPOSITES:
        return not holds({**rule, "operator": OPPOSITES[operator]}, track)
    if operator == "in playlist":
        if rule.get("field") == "track_id":
            return track["track_id"] in {track_id(number) for number in MEMBERS[rule["value"]]}
        return track["recording_id"] in RECORDINGS[rule["value"]]
    value = track[rule["field"]]
    if operator == "is missing":
        return value is None or value == []
    if isinstance(value, list):
        return any(compare(element, operator, rule["value"]) for element in value)
    return value is not None and compare(value, operator, rule["value"])


def compare(value: Any, operator: str, wanted: Any) -> bool:
    """Compare a value that is there."""
    if operator == "in":
        return any(compare(value, "is", each) for each in wanted)
    if isinstance(value, datetime | date):
        return compare_times(value, operator, wanted)
    if isinstance(value, str):
        return compare_texts(value, operator, wanted)
    if operator == "between":
        return bool(wanted[0] <= value <= wanted[1])
    return bool(
        {
            "is": value == wanted,
            "<": value < wanted,
            "<=": value <= wanted,
            ">": value > wanted,
            ">=": value >= wanted,
        }[operator]
    )


def compare_texts(value: str, operator: str, wanted: str) -> bool:
    """Without regard to case."""
    composed, pattern = (unicodedata.normalize("NFC", each) for each in (value, wanted))
    if operator == "matches":
        return re.search(pattern, composed, re.IGNORECASE) is not None
    text, other = composed.lower(), pattern.lower()
    answers: dict[str, bool] = {
        "is": text == other,
        "contains": other in text,
        "starts with": text[: len(other)] == other,
        "ends with": text[-len(other) :] == other,
    }
    return answers[operator]


def compare_times(value: date | datetime, operator: str, wanted: Any) -> bool:
    """Days, months and years as a whole, in the person's zone; instants as they are."""
    if operator == "between":
        return compare_times(value, ">=", wanted[0]) and compare_times(value, "<=", wanted[1])
    if isinstance(value, datetime) and operator != "in the last" and "T" in wanted:
        first = last = datetime.fromisoformat(wanted)
        point: Any = value
    else:
        point = value.astimezone(ZONE).date() if isinstance(value, datetime) else value
        if operator == "in the last":
            return bool(before_today(wanted) < point <= TODAY)
        first, last = days_of(wanted)  # type: ignore[assignment]  # days now
    return bool(
        {
            "is": first <= point <= last,
            "<": point < first,
            "before": point < first,
            "<=": point <= last,
            ">": point > last,
            "after": point > last,
            ">=": point >= first,
        }[operator]
    )


def days_of(text: str) -> tuple[date, date]:
    """First and last day of a year, a month or a day."""
    numbers = [int(part) for part in text.split("-")]
    if len(numbers) == 1:
        return date(numbers[0], 1, 1), date(numbers[0], 12, 31)
    if len(numbers) == 2:
        year, month = numbers
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    day = date(*numbers)
    return day, day


def before_today(span: str) -> date:
    """The day before the first of a span; the last day of a shorter month stands for its 30th or 31st."""
    number, unit = span.split()
    amount = int(number)
    if unit in ("days", "weeks"):
        return TODAY - timedelta(days=amount * (7 if unit == "weeks" else 1))
    months = TODAY.year * 12 + TODAY.month - 1 - amount * (12 if unit == "years" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(TODAY.day, calendar.monthrange(year, month)[1]))
