"""Converts dataclasses to JSON and back.

Fields with their default value are left out; times are microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Converter = Callable[[Any], Any]
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def _same(value: Any) -> Any:
    return value


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _plan_of(thing: Any) -> tuple[tuple[str, Converter, Converter, Any], ...]:
    kind: Any = type(thing)
    return _plan(kind)


@cache
def _plan(kind: Any) -> tuple[tuple[str, Converter, Converter, Any], ...]:
    """Return (name, writer, reader, default) of each stored field."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, *_converters(hints[field.name]), _default(field))
        for field in fields(kind)
        if field.metadata.get("stored", True)
    )


def _converters(hint: Any) -> tuple[Converter, Converter]:
    """Return a writer and a reader for values of this type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inner,) = (one for one in arguments if one is not type(None))
        write, read = _converters(inner)
        return _unless_none(write), _unless_none(read)
    if origin in (list, dict):
        write, read = _converters(arguments[-1])
        if write is not _same:
            each = _each if origin is list else _each_value
            return each(write), each(read)
    elif hint is datetime:
        return (lambda value: (value - EPOCH) // MICROSECOND, lambda value: EPOCH + value * MICROSECOND)
    elif is_dataclass(hint):
        return to_json, partial(_read, hint)
    return _same, _same


def _unless_none(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)


def _each(convert: Converter) -> Converter:
    return lambda values: [convert(value) for value in values]


def _each_value(convert: Converter) -> Converter:
    return lambda values: {key: convert(value) for key, value in values.items()}


def _read(kind: Any, shape: dict[str, Any]) -> Any:
    return kind(**{name: read(shape[name]) for name, _, read, _ in _plan(kind) if name in shape})


def to_json(thing: Any) -> dict[str, Any]:
    """Return a dataclass as a JSON object."""
    shape = {}
    for name, write, _, default in _plan_of(thing):
        value = getattr(thing, name)
        if value != default:
            shape[name] = write(value)
    return shape


def from_json(kind: type[T], shape: dict[str, Any]) -> T:
    """Return a dataclass made from its JSON object. Unknown names are ignored."""
    made: T = _read(kind, shape)
    return made


def dump(thing: Any) -> str:
    """Return a dataclass as JSON text."""
    return json.dumps(to_json(thing), ensure_ascii=False, separators=(",", ":"))


def load(kind: type[T], text: str) -> T:
    """Return a dataclass made from its JSON text."""
    return from_json(kind, json.loads(text))
