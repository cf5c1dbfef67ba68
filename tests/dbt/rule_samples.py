"""Conditions for every field and operator, and rules drawn at random from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playlists.rules.fields import FIELDS, OPERATORS, PLAYLIST_OPERATORS
from playlists.rules.rule import Rule, read_rule
from tests.dbt.rule_library import MEMBERS, MOMENTS, NUMBERS, TEXTS

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

WORDS = [text for text in TEXTS if text is not None]
FRAGMENTS = [
    *WORDS,
    "pul",
    "ulp",
    "%",
    "_",
    "\\",
    "'",
    "0",
    "n' r",
    "🎸",
    "É",
    "é",
    "drop table",
    "{{",
    '"',
    " ",
]
# on which Python and PostgreSQL agree
PATTERNS = [
    "^pulp$",
    "^(x|x0)$",
    r"\d+",
    "u.p",
    "roses?$",
    r"100\%",
    "[a-c]",
    "^.$",
    r"back\\slash",
    "(drop|fiction)",
    "🎸",
    "_",
]
DAYS = [
    "1995",
    "1995-10",
    "1995-10-30",
    "1999",
    "2000",
    "2024-02-29",
    "2025",
    "2026-05",
    "2026-06-14",
    "2026-06-15",
]
INSTANTS = [*DAYS, *(moment.isoformat() for moment in MOMENTS[3:12] if moment), "2026-05-16T00:00:00+02:00"]
SPANS = [
    "1 days",
    "2 days",
    "29 days",
    "30 days",
    "31 days",
    "4 weeks",
    "1 months",
    "12 months",
    "1 years",
    "30 years",
]
COUNTS = [each for each in NUMBERS if each is not None] + [3, 0.25]

BARE = {
    "title": "Made by hand",
    "include_unavailable": True,
    "include_excluded": True,
    "dedupe_recordings": False,
    "select_by": "track_id",
}
"""A block that takes every track that meets the rule."""


def bare_rule(rule: Json) -> Rule:
    """A rule, read as at entry, with a block that leaves its tracks alone."""
    return read_rule({**BARE, **rule})


def pairs() -> list[tuple[str, str]]:
    """Every field with every operator that it takes."""
    return [
        (field, operator)
        for field, kind in FIELDS.items()
        for operator in OPERATORS
        if kind in OPERATORS[operator]
    ]


def condition(random: Random, field: str, operator: str) -> Json:
    """One condition with a value that is worth trying."""
    found: Json = {"field": field, "operator": operator}
    if operator in ("is missing", "is present"):
        return found
    return {**found, "value": _value(random, FIELDS[field], operator)}


def random_rule(random: Random, depth: int) -> Json:
    """A group of one to four parts, of which some are groups again, `depth` levels deep at most."""
    parts = [
        random_rule(random, depth - 1) if depth > 1 and random.random() < 0.45 else random_condition(random)
        for _ in range(random.choice([1, 2, 2, 3, 4]))
    ]
    return {"match": random.choice(["all", "any"]), "not": random.random() < 0.25, "conditions": parts}


def random_condition(random: Random) -> Json:
    """One condition of any field."""
    if random.random() < 0.06:
        found: Json = {"operator": random.choice(PLAYLIST_OPERATORS), "value": random.choice(list(MEMBERS))}
        return random.choice([found, {**found, "field": "track_id"}, {**found, "field": "recording_id"}])
    return condition(random, *random.choice(pairs()))


def _value(random: Random, kind: str, operator: str) -> Any:
    if operator in ("in the last", "not in the last"):
        return random.choice(SPANS)
    if operator == "matches":
        return random.choice(PATTERNS)
    pools: dict[str, list[Any]] = {
        "text": WORDS if operator in ("is", "is not", "in", "not in") else FRAGMENTS,
        "list": WORDS if operator in ("is", "is not", "in", "not in") else FRAGMENTS,
        "number": COUNTS,
        "boolean": [True, False],
        "date": DAYS,
        "moment": INSTANTS,
    }
    pool = pools[kind]
    if operator in ("in", "not in"):
        return random.sample(pool, random.choice([1, 2, 3]))
    if operator == "between":
        low, high = sorted(random.sample(pool, 2))
        return [low, high]
    picked: Any = random.choice(pool)
    return picked.swapcase() if kind in ("text", "list") and random.random() < 0.5 else picked
