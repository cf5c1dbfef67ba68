"""Objects made from Spotify's published schemas: with every field, with none, with nulls, at random."""

from __future__ import annotations

import random
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "openapi" / "spotify_openapi.yml"

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


class Published:
    """The published description, and objects that fit it."""

    @cached_property
    def _document(self) -> Json:
        found: Json = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
        return found

    def make(self, name: str, manner: Manner, seed: int) -> Json:
        """An object of the schema `name`; the same for the same arguments."""
        made = self._value(
            {"$ref": f"#/components/schemas/{name}"}, manner, random.Random(f"{name} {manner} {seed}"), 0
        )
        assert isinstance(made, dict)
        return made

    def _value(self, schema: Json, manner: Manner, chance: random.Random, depth: int) -> Any:
        schema = self._flat(schema)
        if "properties" in schema or schema.get("type") == "object":
            return self._object(schema, manner, chance, depth)
        if schema.get("type") == "array":
            count = 0 if depth > 12 or manner == "bare" else chance.randint(1, 3)
            return [self._value(schema.get("items", {}), manner, chance, depth + 1) for _ in range(count)]
        return self._plain(schema, chance)

    def _plain(self, schema: Json, chance: random.Random) -> Any:
        if "enum" in schema:
            return chance.choice(schema["enum"])
        if schema.get("format") == "date-time":
            return "2026-06-01T10:00:00Z"
        choices: dict[str, tuple[Any, ...]] = {
            "integer": (0, 1, 7, 180_000, 2**40),
            "number": (0, 3.5, 1e300),
            "boolean": (True, False),
        }
        return chance.choice(choices.get(schema.get("type", "string"), TEXTS))

    def _object(self, schema: Json, manner: Manner, chance: random.Random, depth: int) -> Json:
        made: Json = {}
        for name, inner in schema.get("properties", {}).items():
            is_required = name in schema.get("required", ())
            if not is_required and (manner == "bare" or (manner == "random" and chance.random() < 0.4)):
                continue
            may_be_null = self._flat(inner).get("nullable") or not is_required
            if (
                may_be_null
                and (manner == "nulls" or (manner == "random" and chance.random() < 0.3))
                and depth
            ):
                made[name] = None
            else:
                made[name] = self._value(inner, manner, chance, depth + 1)
        return made

    def _flat(self, schema: Json) -> Json:
        """The schema without references: the parts of allOf together, the first of oneOf."""
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if "oneOf" in schema:
            return self._flat(schema["oneOf"][0])
        flat = {
            **schema,
            "properties": dict(schema.get("properties", {})),
            "required": list(schema.get("required", ())),
        }
        for part in schema.get("allOf", ()):
            inner = self._flat(part)
            flat["properties"] |= inner.get("properties", {})
            flat["required"] += inner.get("required", [])
            flat = {**{k: v for k, v in inner.items() if k not in ("properties", "required")}, **flat}
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
