"""Objects of the shapes in shapes.yml: with every field, with none, with nulls, at random.

shapes.yml describes what the Web API sends: the fields of each object by name, `!` after those that always
come, `?` after those that may be null though they come. `published_shapes` reads the same from Spotify's own
description, where that file is beside the repository.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Literal

import yaml

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "openapi" / "spotify_openapi.yml"
SHAPES = Path(__file__).with_name("shapes.yml")

Json = dict[str, Any]
Manner = Literal["whole", "bare", "nulls", "random"]

# what new Development Mode leaves out, wherever the object occurs
LEFT_OUT = {
    "available_markets",
    "linked_from",
    "popularity",
    "album_group",
    "label",
    "followers",
    "country",
    "product",
    "email",
}
TEXTS = ("Guns N' Roses", "100%", "_", "\\", "ليلى", "🎧", "'; drop table listens; --", "", "AC/DC")
PLAIN: dict[str, tuple[Any, ...]] = {
    "text": TEXTS,
    "moment": ("2026-06-01T10:00:00Z",),
    "integer": (0, 1, 7, 180_000, 2**40),
    "number": (0, 3.5, 1e300),
    "boolean": (True, False),
}
LIST, CHOICE = "list of ", "one of "


class Shapes:
    """Objects that fit the shapes."""

    def __init__(self) -> None:
        self._shapes: Json = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))

    def make(self, name: str, manner: Manner, seed: int) -> Json:
        """An object of the shape `name`; the same for the same arguments."""
        return self._object(self._shapes[name], manner, random.Random(f"{name} {manner} {seed}"), 0)

    def _value(self, kind: str, manner: Manner, chance: random.Random, depth: int) -> Any:
        if kind.startswith(LIST):
            count = 0 if depth > 12 or manner == "bare" else chance.randint(1, 3)
            return [self._value(kind.removeprefix(LIST), manner, chance, depth + 1) for _ in range(count)]
        if kind.startswith(CHOICE):
            return chance.choice(kind.removeprefix(CHOICE).split(", "))
        if kind in PLAIN:
            return chance.choice(PLAIN[kind])
        return self._object(self._shapes[kind], manner, chance, depth)

    def _object(self, shape: Json, manner: Manner, chance: random.Random, depth: int) -> Json:
        made: Json = {}
        for field, kind in shape.items():
            name, is_required = field.rstrip("!?"), "!" in field
            if not is_required and (manner == "bare" or (manner == "random" and chance.random() < 0.4)):
                continue
            is_null = manner == "nulls" or (manner == "random" and chance.random() < 0.3)
            if is_null and depth and ("?" in field or not is_required):
                made[name] = None
            else:
                made[name] = self._value(kind, manner, chance, depth + 1)
        return made


def published_shapes(names: set[str]) -> Json:
    """The shapes of these schemas, and of all that they hold, from Spotify's published description."""
    schemas = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["components"]["schemas"]
    found: Json = {}
    wanted = sorted(names)
    for name in wanted:
        if name not in found:
            fields = _flat(schemas[name], schemas)["properties"]
            required = _flat(schemas[name], schemas)["required"]
            found[name] = {}
            for field, inner in fields.items():
                kind, mentioned = _kind(f"{name}.{field}", inner, schemas)
                is_nullable = bool(_flat(inner, schemas).get("nullable"))
                found[name][field + "!" * (field in required) + "?" * is_nullable] = kind
                wanted += mentioned
    return dict(sorted(found.items()))


def _kind(place: str, schema: Json, schemas: Json) -> tuple[str, list[str]]:
    """The kind of a field, and the schemas that it mentions; an unnamed object is called by its place."""
    first = schema.get("oneOf", [schema])[0]
    refs = [first, *first.get("allOf", ())]
    named = [one["$ref"].rsplit("/", 1)[1] for one in refs if "$ref" in one]
    if len(named) == 1 and "properties" in _flat(schemas[named[0]], schemas):
        return named[0], named
    flat = _flat(first, schemas)
    if "properties" in flat:
        schemas[place] = flat
        return place, [place]
    if flat.get("type") == "array":
        kind, mentioned = _kind(place, flat.get("items", {}), schemas)
        return LIST + kind, mentioned
    if "enum" in flat:
        return CHOICE + ", ".join(flat["enum"]), []
    kind = str(flat.get("type", "string")).replace("string", "text")
    return "moment" if flat.get("format") == "date-time" else kind, []


def _flat(schema: Json, schemas: Json) -> Json:
    """The schema without references: the parts of allOf together, the first of oneOf."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if "oneOf" in schema:
        return _flat(schema["oneOf"][0], schemas)
    flat = {"required": [], **schema, "properties": dict(schema.get("properties", {}))}
    for part in schema.get("allOf", ()):
        inner = _flat(part, schemas)
        properties = {**flat["properties"], **inner.get("properties", {})}
        required = [*flat["required"], *inner["required"]]
        flat = {**inner, **flat, "properties": properties, "required": required}
    if not flat["properties"]:
        del flat["properties"]
    return flat


def without_left_out(thing: Any) -> Any:
    """The same without the fields that new Development Mode has taken away."""
    if isinstance(thing, dict):
        return {key: without_left_out(value) for key, value in thing.items() if key not in LEFT_OUT}
    return [without_left_out(each) for each in thing] if isinstance(thing, list) else thing


def as_legacy(entry: Json) -> Json:
    """The same with the names that playlists had before 2026."""
    names = {"item": "track", "items": "tracks"}
    return {names.get(key, key): value for key, value in entry.items()}
