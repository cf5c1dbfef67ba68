"""A flow's parameters as options of a command: made from the same schema as the form in the UI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.utilities.callables import parameter_schema

from profiles.errors import InputError
from profiles.terminal import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect import Flow, State

    from flows.server.prefect_yaml import Listed


class JsonOrFile(click.ParamType[Any]):
    """What a form holds, written as JSON or standing in a file (`@FILE`)."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value."""
        text = str(value)
        try:
            return json.loads(
                Path(text[1:]).read_text(encoding="utf-8-sig") if text.startswith("@") else text
            )
        except (OSError, ValueError) as error:
            self.fail(f"no JSON: {error}", param, ctx)


def parse(listed: Listed, flow: Flow[..., Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that were given. Raises click.UsageError or InputError where they do not fit."""
    name = f"{PROGRAM} run {listed.name}"
    context = command_of(listed, flow).make_context(name, list(arguments))
    parameters = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in context.params.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    missing = [name for name in parameter_schema(flow).required if name not in parameters]
    if missing:
        options = " ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise InputError(f"{listed.name} needs {options}.", remedy=f"`{name} --help` tells more.")
    try:
        flow.validate_parameters(parameters)
    except (ParameterTypeError, SignatureMismatchError) as error:
        raise InputError(f"{listed.name}: {error}") from None
    return parameters


def run(flow: Flow[..., Any], parameters: dict[str, Any]) -> State[Any]:
    """Run the flow in this process; returns its final state, whatever it is."""
    call: Callable[..., State[Any]] = flow
    return call(**parameters, return_state=True)


def command_of(listed: Listed, flow: Flow[..., Any]) -> click.Command:
    """Return a command with one option per parameter, which does nothing itself."""
    schema = parameter_schema(flow)
    options: list[click.Parameter] = [
        click.Option(
            list(dict.fromkeys([name, f"--{name.replace('_', '-')}", f"--{name}"])),
            **_option(_resolved(field, schema.definitions)),
        )
        for name, field in schema.properties.items()
    ]
    return click.Command(listed.name, params=options, help=listed.summary)


def _option(field: dict[str, Any]) -> dict[str, Any]:
    shown = f" (default: {field['default']})" if field.get("default") is not None else ""
    about = {"help": f"{(field.get('description') or field.get('title') or '').strip()}{shown}"}
    if "enum" in field:
        return {"type": click.Choice(field["enum"]), **about}
    if field.get("type") == "boolean":
        # `--dry-run` and `--dry-run false` both say what they mean
        return {
            "type": click.BOOL,
            "is_flag": False,
            "flag_value": True,
            "metavar": "[true|false]",
            **about,
        }
    if field.get("type") == "array":
        return {"multiple": True, "metavar": "VALUE", "help": f"{about['help']} May be repeated."}
    if field.get("type") == "object":
        return {"type": JsonOrFile(), "metavar": "JSON|@FILE", **about}
    return {"metavar": "VALUE", **about}


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
