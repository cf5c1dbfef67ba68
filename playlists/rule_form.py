"""The form that makes or edits a playlist: fields that a person fills in, and the rule that they mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from playlists.rule_fields import FIELDS, OPERATORS, PLAYLIST_OPERATORS, VALUELESS
from playlists.rule_store import read_document
from playlists.rules import SLUG_PATTERN, BlockOptions, InvalidRuleError, Rule

LISTED = ("in", "not in", "between")


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConditionForm(_Form):
    """One comparison. `value` is text; it is read as a number, a day or true/false where the field is one."""

    field: Annotated[str, Field(json_schema_extra={"enum": ["", *FIELDS]})] = ""
    """A column of unified_tracks; `in playlist` needs none."""
    operator: Annotated[str, Field(json_schema_extra={"enum": [*OPERATORS, *PLAYLIST_OPERATORS]})] = "is"
    value: str = ""
    """Such as Pulp, 10, true, 2026-03-01, 30 days, or the name of a playlist."""
    values: list[str] = []
    """For `in` and `not in`: all of them. For `between`: the first and the last."""

    def as_json(self) -> dict[str, Any]:
        """The condition in the language of rules."""
        found: dict[str, Any] = {"operator": self.operator}
        if self.field:
            found["field"] = self.field
        if self.operator in LISTED:
            found["value"] = list(self.values) or ([self.value] if self.value else [])
        elif self.operator not in VALUELESS or self.value:
            found["value"] = self.value
        return found


class GroupForm(_Form):
    """Some conditions taken together, in brackets as it were."""

    match: Literal["all", "any"] = "any"
    negated: bool = False
    """The opposite: tracks that do not meet them."""
    conditions: list[ConditionForm] = []

    def as_json(self) -> dict[str, Any]:
        """The group in the language of rules."""
        return {
            "match": self.match,
            "not": self.negated,
            "conditions": [condition.as_json() for condition in self.conditions],
        }


class RuleForm(_Form):
    """Which tracks: conditions, and groups of conditions beside them. Deeper rules are given as JSON."""

    match: Literal["all", "any"] = "all"
    """Whether a track must meet all conditions and groups, or any of them."""
    conditions: list[ConditionForm] = []
    groups: list[GroupForm] = []
    as_document: dict[str, Any] | None = None
    """The rule as JSON, however deep, in place of the above: {"match": "all", "conditions": […]}."""

    def as_json(self) -> dict[str, Any]:
        """The rule in its language."""
        if self.as_document is not None:
            if self.conditions or self.groups:
                raise InvalidRuleError(
                    "The rule is given twice, in fields and as JSON.", remedy="Empty one of them."
                )
            return self.as_document
        parts: list[ConditionForm | GroupForm] = [*self.conditions, *self.groups]
        return {"match": self.match, "not": False, "conditions": [part.as_json() for part in parts]}


class PlaylistForm(_Form):
    """A playlist by a rule without SQL."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    """Its name on Spotify."""
    slug: Annotated[str, Field(pattern=SLUG_PATTERN)] | None = None
    """Its short name in commands, lower_snake; made from the title where it is empty."""
    rule: RuleForm
    block: BlockOptions = BlockOptions()
    """How it is cut, ordered and kept."""

    def read(self) -> tuple[str | None, Rule]:
        """The slug that was given, and the rule. Raises InvalidRuleError with what to correct."""
        block = self.block.model_dump(mode="json", exclude_defaults=True)
        _, rule = read_document({**block, **self.rule.as_json(), "title": self.title})
        return self.slug, rule
