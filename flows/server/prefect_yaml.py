"""Which flows there are: prefect.yaml read as it stands, without importing Prefect."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFECT_YAML = REPOSITORY / "prefect.yaml"


@dataclass(frozen=True)
class Listed:
    """One deployment of prefect.yaml. `schedule` is empty for those on demand."""

    name: str
    module: str
    function: str
    summary: str
    schedule: str


def listed_flows(settings: Mapping[str, str]) -> list[Listed]:
    """Return every deployment; `settings` stand for the placeholders of the schedules."""
    content = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))
    return [_listed(deployment, settings) for deployment in content["deployments"]]


def _listed(deployment: dict[str, Any], settings: Mapping[str, str]) -> Listed:
    file, function = deployment["entrypoint"].split(":")
    module = file.removesuffix(".py").replace("/", ".")
    schedules = [_schedule(schedule, settings) for schedule in deployment.get("schedules", [])]
    return Listed(deployment["name"], module, function, _summary(file, function), ", ".join(schedules))


def _schedule(schedule: dict[str, Any], settings: Mapping[str, str]) -> str:
    text = f"{schedule['cron']} {schedule['timezone']}"
    for name, value in settings.items():
        text = text.replace(f"{{{{ settings.{name} }}}}", value)
    return text


def _summary(file: str, function: str) -> str:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    return ""
