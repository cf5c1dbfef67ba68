"""Rules of an earlier tracker, translated: ``match``, ``conditions``, ``sort``, ``limit``.

Its fields were ``artist, album, track, is_liked, is_playable, plays, min_plays, max_plays, added_after,
added_before, added_in_last_days, date_added, last_played, first_played``. That tracker ignored
the operator of a condition on text or a date; here the operator counts as it was written.
"""

from __future__ import annotations

from typing import Any

from playlists.rules.fields import FIELDS, OPERATORS, suggestion
from playlists.rules.rule import InvalidRuleError

RENAMED = {
    "track": "title",
    "plays": "play_count",
    "date_added": "added_at",
    "last_played": "last_played_at",
    "first_played": "first_played_at",
}
OWN_OPERATOR: dict[str, tuple[str, str]] = {
    "min_plays": ("play_count", ">="),
    "max_plays": ("play_count", "<="),
    "added_after": ("added_at", "after"),
    "added_before": ("added_at", "before"),
    "added_in_last_days": ("added_at", "in the last"),
}
"""Fields whose name includes the comparison."""
SPELLINGS = {
    "equals": "is",
    "eq": "is",
    "=": "is",
    "==": "is",
    "not equals": "is not",
    "ne": "is not",
    "!=": "is not",
    "<>": "is not",
    "gt": ">",
    "greater than": ">",
    "more than": ">",
    "gte": ">=",
    "at least": ">=",
    "lt": "<",
    "less than": "<",
    "lte": "<=",
    "at most": "<=",
    "does not contain": "not contains",
    "doesn't contain": "not contains",
    "begins with": "starts with",
    "on or after": ">=",
    "on or before": "<=",
    "in last days": "in the last",
    "in last": "in the last",
    "not in last": "not in the last",
}
SORTS: dict[str, str] = {
    "random": "random",
    "shuffle": "random",
    "most played": "play_count desc",
    "least played": "play_count asc",
    "newest": "added_at desc",
    "oldest": "added_at asc",
    "recently added": "added_at desc",
    "recently played": "last_played_at desc",
}


def is_legacy(document: Any) -> bool:
    """Whether a rule is in the earlier tracker's language: it has one of its fields, sorts or limits."""
    if not isinstance(document, dict):
        return False
    if "sort" in document or (document.get("limit") is not None and not isinstance(document["limit"], dict)):
        return True
    layer: list[Any] = [document]
    while layer:
        part = layer.pop()
        if isinstance(part, dict):
            if part.get("field") in (*RENAMED, *OWN_OPERATOR):
                return True
            inner = part.get("conditions")
            layer.extend(inner if isinstance(inner, list) else [])
    return False


def translated(document: dict[str, Any], *, title: str | None = None) -> dict[str, Any]:
    """The rule in today's language, to be read by `playlists.rules.rule.read_rule`.

    `title` is given to a rule without a name. Raises InvalidRuleError for what cannot be translated.
    """
    rest = {
        key: value for key, value in document.items() if key not in ("sort", "limit", "conditions", "name")
    }
    name = document.get("title") or document.get("name") or title
    found = {**rest, "conditions": _conditions(document.get("conditions"))}
    if name:
        found["title"] = name
    if document.get("limit") is not None:
        found["limit"] = (
            document["limit"]
            if isinstance(document["limit"], dict)
            else {"tracks": _limit(document["limit"])}
        )
    if document.get("sort"):
        found["select_by"] = _sort(document["sort"])
    return found


def _conditions(conditions: Any) -> Any:
    if not isinstance(conditions, list):
        return conditions
    return [_condition(part) if isinstance(part, dict) else part for part in conditions]


def _condition(part: dict[str, Any]) -> dict[str, Any]:
    if "conditions" in part:
        return {**part, "conditions": _conditions(part["conditions"])}
    field = part.get("field")
    value = part.get("value")
    if field in OWN_OPERATOR:
        # the name of the field is meant, whatever the operator says
        column, operator = OWN_OPERATOR[field]
        return {
            "field": column,
            "operator": operator,
            "value": _days(value) if operator == "in the last" else value,
        }
    name = RENAMED.get(str(field), field)
    spelled = " ".join(str(part.get("operator") or "is").lower().replace("_", " ").split())
    operator = SPELLINGS.get(spelled, spelled)
    if FIELDS.get(str(name)) == "number":
        operator = {"after": ">", "before": "<"}.get(operator, operator)
    if operator in ("in the last", "not in the last"):
        value = _days(value)
    found = {**part, "field": name, "operator": operator}
    return {**found, "value": value} if operator in OPERATORS and "value" in part else found


def _days(value: Any) -> Any:
    text = str(value).strip()
    return f"{text} days" if text.isdigit() else value


def _limit(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value


def _sort(sort: Any) -> list[str]:
    """``plays``, ``-plays``, ``plays desc``, ``{"field": "plays", "direction": "desc"}``, or a list."""
    if isinstance(sort, list):
        return [term for each in sort for term in _sort(each)]
    if isinstance(sort, dict):
        direction = sort.get("direction") or sort.get("order") or "asc"
        return _sort(f"{sort.get('field') or sort.get('by')} {direction}")
    text = " ".join(str(sort).lower().split())
    spoken = SORTS.get(text.replace("_", " "))
    if spoken is not None:
        return [spoken]
    words = text.replace(":", " ").split()
    direction = {"desc": "desc", "descending": "desc"}.get(words[-1], "asc")
    word = words[0]
    for suffix in ("_desc", "_asc"):
        if word.endswith(suffix):
            word, direction = word.removesuffix(suffix), suffix.removeprefix("_")
    if word.startswith("-"):
        word, direction = word[1:], "desc"
    column = RENAMED.get(word, word)
    if column not in FIELDS:
        raise InvalidRuleError(
            f"'sort': '{sort}' is not known.", remedy=f"For a column, {suggestion(column, FIELDS)}"
        )
    return [f"{column} {direction}"]
