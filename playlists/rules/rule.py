"""A rule: which tracks a playlist takes, and the block that cuts and orders them.

A stored rule is one JSON object: the keys of a rule (``match``, ``not``, ``conditions``: see
``playlists/rules/language.py``) beside those of the block. Every message says what is wrong and what would be
right, since its readers write JSON, or fill in a form.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from playlists.block import PlaylistBlock, problem_in_words
from playlists.rules.fields import FIELDS, suggestion
from playlists.rules.language import MOST_CONDITIONS, MOST_LEVELS, Group, levels_of
from playlists.rules.values import checked_text
from profiles.errors import InputError

LONGEST_RULE = 100_000
"""Bytes of a stored rule: `preview` hands it to dbt in an environment variable, which takes 128 KB."""
GROUP_KEYS = ("match", "not", "conditions")
ORDERABLE = [name for name, kind in FIELDS.items() if kind != "list"]
_WEIGHTED = re.compile(r"^weighted\( ?([a-z0-9_]+) ?\)$")


class InvalidRuleError(InputError):
    """A rule that cannot be used, with the remedy for each wrong part (exit status 2)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A playlist without a model: which tracks it takes, and how they are cut, ordered and kept."""

    group: Group
    block: PlaylistBlock

    def as_json(self) -> dict[str, Any]:
        """The one object that is stored: the block's keys, all of them, beside those of the group."""
        return {**self.block.model_dump(mode="json"), **self.group.as_json()}

    def for_compiler(self) -> dict[str, Any]:
        """What the macro ``rule_in_question`` reads."""
        return {"rule": self.group.as_json(), "block": self.block.model_dump(mode="json")}


def read_rule(document: Any) -> Rule:
    """Validate one rule; `InvalidRuleError` says of each wrong part where it is and what would be right."""
    if not isinstance(document, dict):
        raise InvalidRuleError(
            "A rule is one JSON object.", remedy='Write {"title": …, "match": "all", "conditions": [{…}]}.'
        )
    if levels_of(document) > MOST_LEVELS:
        raise InvalidRuleError(
            f"Groups are nested more than {MOST_LEVELS} deep.", remedy="Take some groups out."
        )
    group_part = {key: document[key] for key in GROUP_KEYS if key in document}
    block_part = {key: document[key] for key in document if key not in (*GROUP_KEYS, "slug")}
    problems: list[str] = []
    group = block = None
    try:
        group = Group.model_validate(group_part)
    except ValidationError as error:
        problems += [_condition_problem(problem) for problem in error.errors(include_url=False)]
    try:
        block = PlaylistBlock.model_validate(block_part)
        problems += _block_problems(block)
    except ValidationError as error:
        known = (*PlaylistBlock.model_fields, *GROUP_KEYS, "slug")
        problems += [problem_in_words(problem, known) for problem in error.errors(include_url=False)]
    if group is not None and sum(1 for _ in group.leaves()) > MOST_CONDITIONS:
        problems.append(f"it has more than {MOST_CONDITIONS} conditions; use 'in' with a list, or a playlist")
    if problems or group is None or block is None:
        raise InvalidRuleError(
            f"The rule is not valid: {'; '.join(problems)}.", remedy="Correct it; nothing was changed."
        )
    rule = Rule(group, block)
    if len(json.dumps(rule.as_json())) > LONGEST_RULE:
        raise InvalidRuleError(
            "The rule is too long.", remedy="Put the tracks into a playlist of yours, and use 'in playlist'."
        )
    return rule


def _block_problems(block: PlaylistBlock) -> list[str]:
    """What only a model's block may say: a rule orders by the columns of unified_tracks alone."""
    problems = []
    for key in ("select_by", "order_by"):
        for term in getattr(block, key):
            column = _WEIGHTED.sub(r"\1", term).split()[0]
            if column == "random":
                continue
            if column not in FIELDS or FIELDS[column] == "list":
                problems.append(f"'{key}': cannot order by '{column}'; {suggestion(column, ORDERABLE)}")
            elif term.startswith("weighted") and FIELDS[column] != "number":
                problems.append(f"'{key}': {column} is no number, so it cannot be a weight")
    for key in ("title", "description", "seed"):
        try:
            checked_text(getattr(block, key) or "-")
        except ValueError as error:
            problems.append(f"'{key}': {error}")
    return problems


def _condition_problem(problem: Any) -> str:
    steps = [step for step in problem["loc"] if step not in ("group", "condition")]
    place = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    if problem["type"] == "missing":
        return f'{place or "the rule"}: is missing; write {{"field": …, "operator": …, "value": …}}'
    if problem["type"] == "extra_forbidden":
        return (
            f"{place}: is not known; a condition has field, operator, value, a group match, not, conditions"
        )
    return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"
