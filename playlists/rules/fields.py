"""The closed lists of the rule language: fields with their types, operators with the types that they take.

dbt compiles rules with the same list (``dbt_project/macros/playlists/fields.sql``). Tests compare both lists
with each other and with the columns of ``analytics.unified_tracks``.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

LANGUAGE = 1
"""Version of the language, as in dbt (``rule_language()``): rules are checked again for each."""

FieldType = Literal["text", "list", "number", "boolean", "date", "moment"]

TEXT: FieldType = "text"
NUMBER: FieldType = "number"
BOOLEAN: FieldType = "boolean"
MOMENT: FieldType = "moment"

FIELDS: dict[str, FieldType] = {
    "track_id": TEXT,
    "track_uri": TEXT,
    "title": TEXT,
    "artist": TEXT,
    "artist_id": TEXT,
    "artists": "list",
    "album": TEXT,
    "album_id": TEXT,
    "album_type": TEXT,
    "album_image_url": TEXT,
    "release_date": "date",
    "release_precision": TEXT,
    "track_number": NUMBER,
    "disc_number": NUMBER,
    "duration_ms": NUMBER,
    "explicit": BOOLEAN,
    "isrc": TEXT,
    "recording_id": TEXT,
    "genres": "list",
    "popularity": NUMBER,
    "is_liked": BOOLEAN,
    "liked_at": MOMENT,
    "is_album_saved": BOOLEAN,
    "album_saved_at": MOMENT,
    "added_at": MOMENT,
    "added_via": TEXT,
    "is_playable": BOOLEAN,
    "playable_checked_at": MOMENT,
    "is_excluded": BOOLEAN,
    "exclusion_reason": TEXT,
    "is_refused": BOOLEAN,
    "play_count": NUMBER,
    "track_play_count": NUMBER,
    "plays_7d": NUMBER,
    "plays_30d": NUMBER,
    "plays_90d": NUMBER,
    "plays_365d": NUMBER,
    "first_played_at": MOMENT,
    "last_played_at": MOMENT,
    "days_played": NUMBER,
    "max_plays_in_a_day": NUMBER,
    "skip_count": NUMBER,
    "skip_rate": NUMBER,
    "ms_played": NUMBER,
    "artist_play_count": NUMBER,
    "artist_last_played_at": MOMENT,
    "artist_track_count": NUMBER,
    "album_play_count": NUMBER,
    "album_last_played_at": MOMENT,
    "album_track_count": NUMBER,
    "album_completion": NUMBER,
}

_WORDS: tuple[FieldType, ...] = ("text", "list")
_TIMES: tuple[FieldType, ...] = ("date", "moment")
_ORDERED: tuple[FieldType, ...] = ("number", *_TIMES)
_ALL: tuple[FieldType, ...] = (*_WORDS, "number", "boolean", *_TIMES)

OPERATORS: dict[str, tuple[FieldType, ...]] = {
    "is": _ALL,
    "is not": _ALL,
    "<": _ORDERED,
    "<=": _ORDERED,
    ">": _ORDERED,
    ">=": _ORDERED,
    "between": _ORDERED,
    "contains": _WORDS,
    "not contains": _WORDS,
    "starts with": _WORDS,
    "ends with": _WORDS,
    "matches": _WORDS,
    "in": (*_WORDS, "number", *_TIMES),
    "not in": (*_WORDS, "number", *_TIMES),
    "before": _TIMES,
    "after": _TIMES,
    "in the last": _TIMES,
    "not in the last": _TIMES,
    "is missing": _ALL,
    "is present": _ALL,
}
"""Operators of a field, as they are spelled in the JSON."""

PLAYLIST_OPERATORS = ("in playlist", "not in playlist")
PLAYLIST_FIELDS = ("recording_id", "track_id")
"""A track is looked for in a playlist as any edition of its recording (the default), or by its own id."""
VALUELESS = ("is missing", "is present")

ALIASES = {
    "track": "title",
    "name": "title",
    "song": "title",
    "plays": "play_count",
    "playcount": "play_count",
    "liked": "is_liked",
    "playable": "is_playable",
    "excluded": "is_excluded",
    "saved": "is_album_saved",
    "date_added": "added_at",
    "last_played": "last_played_at",
    "first_played": "first_played_at",
    "genre": "genres",
    "year": "release_date",
    "duration": "duration_ms",
    "length": "duration_ms",
}
"""Words that people write for a field. They are suggested and not accepted: a rule has one spelling."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Say what to write instead of an unknown word: the nearest known words, else all of them."""
    choices = list(known)
    lowered = word.strip().lower().replace("_", " ")
    by_shape = {choice.replace("_", " "): choice for choice in choices}
    near = [by_shape[each] for each in get_close_matches(lowered, by_shape, n=3, cutoff=0.6)]
    alias = ALIASES.get(word.strip().lower())
    if alias in choices:
        near = [alias, *(each for each in near if each != alias)]
    if near:
        return f"did you mean {' or '.join(repr(each) for each in near[:3])}?"
    return f"known are {', '.join(choices)}"


def operators_of(kind: FieldType) -> list[str]:
    """The operators that a field of this type takes."""
    return [operator for operator, kinds in OPERATORS.items() if kind in kinds]
