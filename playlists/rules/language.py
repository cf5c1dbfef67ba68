"""The rule language: which tracks a playlist is made of, without SQL.

A rule is ``{"match": "all" | "any", "not": false, "conditions": [condition or rule, …]}``, nested up to
30 levels; a condition is ``{"field": "artist", "operator": "is", "value": "Pulp"}``. dbt compiles it
(``macros/playlists/rules.sql``). This file says what a rule means, and refuses what has no meaning.

* A missing value fails every comparison except the negative ones (``is not``, ``not contains``, ``not in``,
  ``not in the last``), which it meets: a track that was never played was *not played in the last 30 days*. So
  each negative operator is the exact opposite of its positive one, and ``not`` turns a group into its
  opposite.
* Text is compared literally, without regard to case or to how an accent is composed: ``%``, ``_`` and quotes
  match themselves. ``matches`` looks for a regular expression of PostgreSQL anywhere in the text.
* On lists (``artists``, ``genres``) a condition holds when any element meets it, a negative one when none
  does.
* A day, month or year means all of it, in TRACKER_TIMEZONE: ``after 1995`` begins with 1996, ``between 1990
  and 1999`` includes both. ``in the last 30 days`` means 30 local days, today included; ``in the last 6
  months`` begins on the day after this day six months ago.
* ``in playlist`` (one of ours or another of the user's, kept by its id) compares recordings: any edition
  counts. With the field ``track_id`` only the track itself counts.
* A group without a condition is an error: it could mean everything, or nothing.
* Exclusions and availability are no part of a rule: the block applies them to the whole, also under ``any``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    Tag,
    field_validator,
    model_validator,
)

from playlists.rules.fields import (
    FIELDS,
    OPERATORS,
    PLAYLIST_FIELDS,
    PLAYLIST_OPERATORS,
    operators_of,
    suggestion,
)
from playlists.rules.values import checked_text, checked_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_LEVELS = 30
MOST_CONDITIONS = 500


class Condition(BaseModel):
    """One comparison of a field with a value. Every stored condition has passed these checks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str | None = Field(default=None, json_schema_extra={"enum": list(FIELDS)})
    """A field of unified_tracks; `in playlist` needs none."""
    operator: str = Field(json_schema_extra={"enum": [*OPERATORS, *PLAYLIST_OPERATORS]})
    value: Any = None
    """Text, number, true or false, a day, a span such as `30 days`, a list, a playlist's name or id."""

    @field_validator("operator", mode="before")
    @classmethod
    def _known_operator(cls, operator: Any) -> str:
        if not isinstance(operator, str):
            raise ValueError("an operator is a text such as 'is'")  # noqa: TRY004  # pydantic wants ValueError
        spelled = " ".join(operator.lower().split())
        if spelled not in OPERATORS and spelled not in PLAYLIST_OPERATORS:
            raise ValueError(
                f"'{operator}' is no operator; {suggestion(operator, [*OPERATORS, *PLAYLIST_OPERATORS])}"
            )
        return spelled

    @model_validator(mode="wrap")
    @classmethod
    def _with_checked_value(cls, given: Any, validate: ModelWrapValidatorHandler[Condition]) -> Condition:
        condition = validate(given)
        return condition.model_copy(update={"value": condition._checked_value()})

    def _checked_value(self) -> Any:
        if self.operator in PLAYLIST_OPERATORS:
            if self.field not in (None, *PLAYLIST_FIELDS):
                raise ValueError(
                    f"'{self.operator}' goes by recording_id (any edition) or track_id, not by {self.field}"
                )
            return checked_text(self.value)
        if self.field is None:
            raise ValueError(f"'{self.operator}' needs a field, such as 'artist'")
        kind = FIELDS.get(self.field)
        if kind is None:
            raise ValueError(f"'{self.field}' is no field; {suggestion(self.field, FIELDS)}")
        if kind not in OPERATORS[self.operator]:
            raise ValueError(
                f"'{self.operator}' does not fit {self.field}, which is a {_SPOKEN[kind]};"
                f" write one of {', '.join(operators_of(kind))}"
            )
        try:
            return checked_value(kind, self.operator, self.value)
        except ValueError as error:
            raise ValueError(f"{self.field} {self.operator}: {error}") from None

    def as_json(self) -> dict[str, Any]:
        """The form that is stored and compiled."""
        parts = {"field": self.field, "operator": self.operator, "value": self.value}
        return {key: part for key, part in parts.items() if part is not None}

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, list):
            spoken = (
                " and ".join(map(str, value)) if self.operator == "between" else ", ".join(map(str, value))
            )
        elif isinstance(value, bool):
            spoken = "true" if value else "false"
        else:
            spoken = "" if value is None else str(value)
        return " ".join(part for part in (self.field or "", self.operator, spoken) if part)


def _kind_of_part(part: Any) -> str:
    if isinstance(part, Group):
        return "group"
    if isinstance(part, dict) and (part.keys() & {"conditions", "match"}):
        return "group"
    return "condition"


class Group(BaseModel):
    """All or any of some conditions, or the opposite of that."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    match: Literal["all", "any"] = "all"
    negated: bool = Field(default=False, alias="not", strict=True)
    conditions: tuple[
        Annotated[
            Annotated[Condition, Tag("condition")] | Annotated[Group, Tag("group")],
            Discriminator(_kind_of_part),
        ],
        ...,
    ]

    @field_validator("match", mode="before")
    @classmethod
    def _all_or_any(cls, match: Any) -> Any:
        lowered = match.lower() if isinstance(match, str) else match
        if lowered not in ("all", "any"):
            raise ValueError(f"{match!r} is not possible; write all or any")
        return lowered

    @field_validator("conditions", mode="before")
    @classmethod
    def _at_least_one(cls, conditions: Any) -> Any:
        if not isinstance(conditions, list | tuple):
            raise ValueError("conditions are a list; write [{…}]")  # noqa: TRY004  # pydantic wants ValueError
        if not conditions:
            raise ValueError("a group has no condition; add one, or leave the group out")
        return conditions

    def as_json(self) -> dict[str, Any]:
        """The form that is stored and compiled."""
        return {
            "match": self.match,
            "not": self.negated,
            "conditions": [part.as_json() for part in self.conditions],
        }

    def leaves(self) -> Iterator[Condition]:
        """All conditions, in the order in which the rule is read."""
        for part in self.conditions:
            if isinstance(part, Group):
                yield from part.leaves()
            else:
                yield part

    def changed(self, change: Callable[[Condition], Condition]) -> Group:
        """The same rule with every condition changed."""
        parts = tuple(
            part.changed(change) if isinstance(part, Group) else change(part) for part in self.conditions
        )
        return Group(match=self.match, negated=self.negated, conditions=parts)

    def playlists(self) -> tuple[str, ...]:
        """Return names or ids of the playlists that the rule looks into."""
        named = [str(leaf.value) for leaf in self.leaves() if leaf.operator in PLAYLIST_OPERATORS]
        return tuple(dict.fromkeys(named))


def levels_of(rule: Any) -> int:
    """Count how deep the groups of a rule are nested, without recursion, since it is not validated yet."""
    level, layer = 0, [rule]
    while layer:
        layer = [
            part
            for group in layer
            if isinstance(group, dict) and isinstance(group.get("conditions"), list | tuple)
            for part in group["conditions"]
        ]
        level += 1
    return level - 1


_SPOKEN = {
    "text": "text",
    "list": "list of texts",
    "number": "number",
    "boolean": "yes-or-no",
    "date": "day",
    "moment": "time",
}
