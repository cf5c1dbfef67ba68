"""Where the days of a rule begin and end, to the second: in the person's zone, also as the clocks change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.payloads import rows

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

ZONE = "Europe/Berlin"
# 16 April in Berlin, where the clocks changed on 29 March and on 26 October
NIGHT = "2026-04-15T22:30:00+00:00"
QUERY = """
    select string_agg(tracks.name, ',' order by tracks.name)
    from (values {values}) as tracks (name, {field})
    where {{{{ rule_condition({condition}) }}}}
"""


@dataclass(frozen=True)
class Case:
    """A condition on a day, moments or days that meet it and some that do not; None is a missing one."""

    sentence: str
    operator: str
    value: str | list[str]
    met: tuple[str | None, ...]
    not_met: tuple[str | None, ...]
    now: str = NIGHT

    @property
    def field(self) -> str:
        """Moments have a time, days have none."""
        given = next(value for value in (*self.met, *self.not_met) if value)
        return "last_played_at" if " " in given else "release_date"

    def query(self) -> str:
        """Names of what meets the condition: m0, m1 … of those that should, n0 … of those that should not."""
        kind = "timestamptz" if self.field == "last_played_at" else "date"
        values = [
            f"('{letter}{number}', cast({repr(value) if value else 'null'} as {kind}))"
            for letter, group in (("m", self.met), ("n", self.not_met))
            for number, value in enumerate(group)
        ]
        condition = {"field": self.field, "operator": self.operator, "value": self.value}
        return QUERY.format(values=", ".join(values), field=self.field, condition=json.dumps(condition))


CASES = [
    Case("the last day is today", "in the last", "1 days",
        ("2026-04-15 22:00:00+00", "2026-04-16 21:59:59+00"),
        ("2026-04-15 21:59:59+00", "2026-04-16 22:00:00+00", None)),
    Case("thirty days begin 29 days before today, before the clocks changed", "in the last", "30 days",
        ("2026-03-17 23:00:00+00",), ("2026-03-17 22:59:59+00",)),
    Case("two weeks are fourteen days", "in the last", "2 weeks",
        ("2026-04-02 22:00:00+00",), ("2026-04-02 21:59:59+00",)),
    Case("six months begin on the day after this day six months ago", "in the last", "6 months",
        ("2025-10-16 22:00:00+00",), ("2025-10-16 21:59:59+00",)),
    Case("a year begins on the day after this day a year ago", "in the last", "1 years",
        ("2025-04-16 22:00:00+00",), ("2025-04-16 21:59:59+00",)),
    Case("what is not in the last six months is before them, or missing, or to come",
        "not in the last", "6 months",
        ("2025-10-16 21:59:59+00", "2026-04-16 22:00:00+00", None),
        ("2025-10-16 22:00:00+00", "2026-04-16 21:59:59+00")),
    Case("six months before the 31st of August begin with March", "in the last", "6 months",
        ("2026-02-28 23:00:00+00",), ("2026-02-28 22:59:59+00",), now="2026-08-31T12:00:00+00:00"),
    Case("so they do in a leap year", "in the last", "6 months",
        ("2028-02-29 23:00:00+00",), ("2028-02-29 22:59:59+00",), now="2028-08-31T12:00:00+00:00"),
    Case("the 31st of August is not in the last six months of a 28 February", "not in the last", "6 months",
        ("2025-08-28 21:59:59+00",), ("2025-08-28 22:00:00+00",), now="2026-02-28T12:00:00+00:00"),
    Case("a year before a 29 February begins with March", "in the last", "1 years",
        ("2027-02-28 23:00:00+00",), ("2027-02-28 22:59:59+00",), now="2028-02-29T12:00:00+00:00"),
    Case("ninety days of releases end with today", "in the last", "90 days",
        ("2026-01-17", "2026-04-16"), ("2026-01-16", "2026-04-17", None)),
    Case("before a day is before its local midnight", "before", "2026-03-29",
        ("2026-03-28 22:59:59+00",), ("2026-03-28 23:00:00+00", None)),
    Case("after a day is after its last second, also of one of 23 hours", "after", "2026-03-29",
        ("2026-03-29 22:00:00+00",), ("2026-03-29 21:59:59+00", None)),
    Case("a day of 25 hours is a whole day", "is", "2025-10-26",
        ("2025-10-25 22:00:00+00", "2025-10-26 22:59:59+00"),
        ("2025-10-25 21:59:59+00", "2025-10-26 23:00:00+00")),
    Case("what is not a day is any other, or missing", "is not", "2026-03-29",
        ("2026-03-28 22:59:59+00", "2026-03-29 22:00:00+00", None),
        ("2026-03-28 23:00:00+00", "2026-03-29 21:59:59+00")),
    Case("February ends with its last day", "is", "2026-02",
        ("2026-01-31 23:00:00+00", "2026-02-28 22:59:59+00"),
        ("2026-01-31 22:59:59+00", "2026-02-28 23:00:00+00")),
    Case("February of a leap year has a 29th", "is", "2028-02", ("2028-02-29",), ("2028-03-01",)),
    Case("before a month is before its first day", "before", "2026-02", ("2026-01-31",), ("2026-02-01",)),
    Case("after a month is after its last day", "after", "2026-02", ("2026-03-01",), ("2026-02-28",)),
    Case("before a year is before its first day", "<", "1995", ("1994-12-31",), ("1995-01-01",)),
    Case("up to a year includes its last day", "<=", "1995", ("1995-12-31",), ("1996-01-01",)),
    Case("after a year begins with the next", ">", "1995", ("1996-01-01",), ("1995-12-31",)),
    Case("from a year on includes its first day", ">=", "1995", ("1995-01-01",), ("1994-12-31",)),
    Case("between two years includes both", "between", ["1990", "1999"],
        ("1990-01-01", "1999-12-31"), ("1989-12-31", "2000-01-01", None)),
    Case("between a month and a day includes both, in local days", "between", ["2026-02", "2026-03-29"],
        ("2026-01-31 23:00:00+00", "2026-03-29 21:59:59+00"),
        ("2026-01-31 22:59:59+00", "2026-03-29 22:00:00+00")),
    Case("a moment is that instant", "before", "2026-03-29T01:00:00+00:00",
        ("2026-03-29 00:59:59+00",), ("2026-03-29 01:00:00+00",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(warehouse: Warehouse) -> dict[str, Any]:
    """What meets each condition, by the sentence of its case."""
    questions = [
        ["compile", "--inline", case.query(), "--vars", json.dumps({"as_of": case.now})] for case in CASES
    ]
    answers = warehouse.ask(*questions, TRACKER_TIMEZONE=ZONE, TRACKER_AS_OF="")
    assert [answer.error for answer in answers] == [""] * len(CASES)
    return {
        case.sentence: (rows(warehouse.database, answer.compiled)[0][0] or "")
        for case, answer in zip(CASES, answers, strict=True)
    }


@pytest.mark.parametrize("case", CASES, ids=[case.sentence.replace(" ", "_") for case in CASES])
def test_a_day_of_a_rule_has_its_first_second_and_its_last(case: Case, found: dict[str, Any]) -> None:
    assert found[case.sentence] == ",".join(f"m{number}" for number in range(len(case.met)))
