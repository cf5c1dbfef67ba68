"""Changes to a stored rule: what is not named stays as it is.

A form submits every field that it shows, with its default. So each option of a form of changes has a default
that says so, the word `unchanged`; `none` takes away what there is.
"""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from playlists.block import BlockOptions
from playlists.rules.legacy import is_legacy, translated
from playlists.rules.rule import GROUP_KEYS, Rule
from playlists.rules.stored_rules import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

UNCHANGED = "unchanged"
NONE = "none"


class _Changes(BaseModel):
    """Options that are texts in a form. Programs may give numbers, lists and true or false as they are."""

    model_config = ConfigDict(extra="forbid")
    options: ClassVar[type[BaseModel]]
    """What the fields are made of."""

    def as_json(self) -> dict[str, Any]:
        """Return the options that are given, by name, as they stand in a rule file."""
        given: dict[str, Any] = {}
        for name, option in self.options.model_fields.items():
            value = getattr(self, name)
            if isinstance(value, _Changes):
                given |= {name: inner} if (inner := value.as_json()) else {}
            elif value not in (UNCHANGED, "", None):
                given[name] = _value(value, option)
        return given


def changed_rule(document: Mapping[str, Any], changes: Any) -> Rule:
    """Return a stored rule with these changes: keys of a rule file; `unchanged` stands for what there is.

    Conditions are replaced as a whole, everything else key by key. Raises InvalidRuleError.
    """
    if not isinstance(changes, dict):
        read_document(changes)  # raises, and says what a rule is
    if is_legacy(changes):
        changes = translated(changes)
    given = {key: value for key, value in changes.items() if value != UNCHANGED}
    kept = dict(document)
    if "conditions" in given:
        kept = {key: value for key, value in kept.items() if key not in GROUP_KEYS}
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(kept.get(key), dict):
            given[key] = kept[key] | {name: inner for name, inner in value.items() if inner != UNCHANGED}
    _, rule = read_document(kept | given)
    return rule


def differences(document: Mapping[str, Any], rule: Rule) -> list[str]:
    """Say what is different in a rule, one line each: `per_artist: 2 → none`."""
    _, stored = read_document(dict(document))
    before, after = stored.as_json(), rule.as_json()
    lines = [
        f"{name}: {_in_words(old)} → {_in_words(new)}"
        for name, old, new in _pairs(before, after)
        if name not in GROUP_KEYS and old != new
    ]
    if any(before.get(key) != after.get(key) for key in GROUP_KEYS):
        lines.append("other conditions")
    return lines


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in before:
        old, new = before[name], after[name]
        if isinstance(old, dict) and isinstance(new, dict):
            yield from ((f"{name}.{inner}", value, new[inner]) for inner, value in old.items())
        else:
            yield name, old, new


def _in_words(value: Any) -> str:
    if value in (None, "", [], ()):
        return NONE
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def _value(given: Any, option: FieldInfo) -> Any:
    """Read a text of a form as what the option holds; what cannot be read is refused later, in words."""
    if not isinstance(given, str):
        return given
    text, kinds = given.strip(), set(_kinds(option.annotation))
    if tuple in kinds:
        parts = [] if text == NONE else text.split(",")
        return [part.strip() for part in parts if part.strip()]
    if text == NONE and (NoneType in kinds or option.default == ""):
        return None if NoneType in kinds else ""
    try:
        return json.loads(text) if kinds & {bool, int, float} else text
    except ValueError:
        return text


def _kinds(annotation: Any) -> Iterator[Any]:
    """The plain types and the words of an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _kinds(part)
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin is Literal:
        yield from get_args(annotation)
    else:
        yield origin or annotation


def _form_of(options: type[BaseModel], name: str) -> Any:
    """Make the form of changes to these options: each a text, or one of the words that are possible."""
    fields: dict[str, Any] = {}
    for key, option in options.model_fields.items():
        [*kinds] = _kinds(option.annotation)
        if isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
            inner = _form_of(kinds[0], f"{kinds[0].__name__}Changes")
            fields[key] = (inner | None, Field(default=inner(), description=option.description))
            continue
        words = [kind for kind in kinds if isinstance(kind, str)]
        words += ["true", "false"] if bool in kinds else []
        words += [NONE] if words and NoneType in kinds else []
        schema: dict[str, Any] = {"type": "string"} | ({"enum": [UNCHANGED, *words]} if words else {})
        fields[key] = (
            Annotated[Any, WithJsonSchema(schema)],
            Field(default=UNCHANGED, description=option.description),
        )
    form = create_model(name, __base__=_Changes, __doc__=options.__doc__, **fields)
    form.options = options
    return form


OptionChanges: Any = _form_of(BlockOptions, "OptionChanges")
"""The form of changes to the options of a block."""
