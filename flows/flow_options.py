"""A flow's parameters as options of a command: made from the same schema as the form in the UI."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.utilities.callables import parameter_schema

from profiles.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect import Flow, State

    from flows.server.prefect_yaml import Listed

YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse(listed: Listed, flow: Flow[..., Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that were given. Raises SettingsError where they do not fit."""
    given = vars(parser_of(listed, flow).parse_args(arguments))
    parameters = {name: value for name, value in given.items() if value is not None}
    missing = [name for name in parameter_schema(flow).required if name not in parameters]
    if missing:
        options = " ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise SettingsError(f"{listed.name} needs {options}.", remedy=f"python -m flows {listed.name} --help")
    try:
        flow.validate_parameters(parameters)
    except (ParameterTypeError, SignatureMismatchError) as error:
        raise SettingsError(f"{listed.name}: {error}") from None
    return parameters


def run(flow: Flow[..., Any], parameters: dict[str, Any]) -> State[Any]:
    """Run the flow in this process; returns its final state, whatever it is."""
    call: Callable[..., State[Any]] = flow
    return call(**parameters, return_state=True)


def parser_of(listed: Listed, flow: Flow[..., Any]) -> argparse.ArgumentParser:
    """Return a parser with one option per parameter."""
    parser = argparse.ArgumentParser(
        prog=f"python -m flows {listed.name}", description=listed.summary, allow_abbrev=False
    )
    schema = parameter_schema(flow)
    for name, field in schema.properties.items():
        options = list(dict.fromkeys([f"--{name.replace('_', '-')}", f"--{name}"]))
        parser.add_argument(*options, dest=name, **_option(_resolved(field, schema.definitions)))
    return parser


def _option(field: dict[str, Any]) -> dict[str, Any]:
    shown = f" (default: {field['default']})" if field.get("default") is not None else ""
    about = f"{(field.get('description') or field.get('title') or '').strip()}{shown}".replace("%", "%%")
    if "enum" in field:
        return {"choices": field["enum"], "help": about}
    if field.get("type") == "boolean":
        # `--dry-run` and `--dry-run false` both say what they mean
        return {"nargs": "?", "const": True, "type": _yes_or_no, "metavar": "true|false", "help": about}
    if field.get("type") == "array":
        return {"nargs": "+", "metavar": "VALUE", "help": about}
    if field.get("type") == "object":
        return {"type": _object, "metavar": "JSON|@FILE", "help": about}
    return {"metavar": "VALUE", "help": about}


def _resolved(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the field with its reference, or the non-null one of its alternatives, put in place."""
    kinds = [field, *field.get("allOf", []), *field.get("anyOf", [])]
    merged: dict[str, Any] = {}
    for kind in kinds:
        if kind.get("type") == "null":
            continue
        reference = str(kind.get("$ref", "")).rsplit("/", 1)[-1]
        merged |= definitions.get(reference, {}) | {
            key: value for key, value in kind.items() if key != "$ref"
        }
    return merged | {key: field[key] for key in ("default", "description", "title") if key in field}


def _object(text: str) -> Any:
    """Return what a form holds, written as JSON or standing in a file."""
    try:
        return json.loads(Path(text[1:]).read_text(encoding="utf-8-sig") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from None


def _yes_or_no(text: str) -> bool:
    try:
        return YES[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError("true or false, please") from None
