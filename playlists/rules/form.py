"""The forms that make or change a playlist by a rule: the fields of a person, read into a rule."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from playlists.block import BlockOptions
from playlists.rules.changes import OptionChanges, changed_rule, differences
from playlists.rules.fields import FIELDS, OPERATORS, PLAYLIST_OPERATORS, VALUELESS
from playlists.rules.rule import InvalidRuleError, Rule
from playlists.rules.stored_rules import read_document
from playlists.slugs import SLUG_PATTERN

LISTED = ("in", "not in", "between")


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ConditionForm(_Form):
    """One comparison. `value` is text; it is read as a number, a day or true/false where the field is one."""

    field: Annotated[str, Field(json_schema_extra={"enum": ["", *FIELDS]})] = ""
    """A column of unified_tracks; `in playlist` needs none."""
    operator: Annotated[str, Field(json_schema_extra={"enum": [*OPERATORS, *PLAYLIST_OPERATORS]})] = "is"
    """How it is compared; `is missing` and `is present` need no value."""
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
    """Some conditions taken together, as in brackets."""

    match: Literal["all", "any"] = "any"
    """Whether a track must meet all of these conditions, or any of them."""
    negated: bool = False
    """The opposite: tracks that do not meet them."""
    conditions: list[ConditionForm] = []
    """At least one."""

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
    """Comparisons such as: artist is Pulp, play_count >= 5, last_played_at not in the last 6 months."""
    groups: list[GroupForm] = []
    """Conditions in brackets, beside those above."""
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
    """Which tracks."""
    block: BlockOptions = BlockOptions()
    """How it is cut, ordered and kept."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_a_file(cls, given: Any) -> Any:
        """Accept also the JSON of a rule file, as `tracker playlists new` reads it."""
        if not isinstance(given, dict) or "conditions" not in given or "rule" in given:
            return given
        named = {key: given[key] for key in ("title", "slug") if key in given}
        return {**named, "rule": {"as_document": {k: v for k, v in given.items() if k not in named}}}

    def read(self) -> tuple[str | None, Rule]:
        """Return the slug that was given, and the rule. Raises InvalidRuleError with what to correct."""
        block = self.block.model_dump(mode="json", exclude_defaults=True)
        _, rule = read_document({**block, **self.rule.as_json(), "title": self.title})
        return self.slug, rule


class ChangeForm(_Form):
    """The changes to a playlist. A field that is left as it is changes nothing, though a form submits it."""

    title: Annotated[str, Field(max_length=100)] | None = ""
    """A new name on Spotify; empty leaves the one it has."""
    rule: RuleForm | None = RuleForm()
    """Which tracks: all conditions, in place of those there were. Without one, these stay as they are."""
    block: OptionChanges | None = OptionChanges()
    """How it is cut, ordered and kept: `unchanged` leaves what there is, `none` takes it away."""
    version: int | None = None
    """Go back to this earlier version, and make the changes above to that one."""

    def read(self, document: dict[str, Any], versions: dict[int, dict[str, Any]]) -> Rule:
        """Return the changed rule. `document` is the stored rule, `versions` are all its versions by number.

        Raises InvalidRuleError with what to correct.
        """
        if self.version is not None and self.version not in versions:
            known = ", ".join(map(str, sorted(versions)))
            raise InvalidRuleError(f"There is no version {self.version}.", remedy=f"There are {known}.")
        base = document if self.version is None else versions[self.version]
        changes: dict[str, Any] = {"title": self.title} if self.title else {}
        if self.rule is not None and self.rule != RuleForm():
            changes |= self.rule.as_json()
        changes |= self.block.as_json() if self.block is not None else {}
        rule = changed_rule(base, changes)
        if not differences(document, rule):
            raise InvalidRuleError(
                "No change is given; the rule stays as it is.", remedy="Fill in what is to become different."
            )
        return rule


Form = TypeVar("Form", PlaylistForm, ChangeForm)


def read_form(form: type[Form], given: Any) -> Form:
    """Validate what was filled in. Raises InvalidRuleError, with what is wrong in each field."""
    try:
        return form.model_validate(given)
    except ValidationError as error:
        problems = [
            f"'{'.'.join(str(part) for part in problem['loc']) or 'the form'}': "
            + str(problem["msg"]).removeprefix("Value error, ")
            for problem in error.errors(include_url=False)
        ]
        raise InvalidRuleError(
            f"The form is not valid: {'; '.join(problems)}.", remedy="Correct it; nothing was changed."
        ) from None
