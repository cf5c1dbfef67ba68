"""A flow's parameters as options; Prefect itself checks them, so its server must be there."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
import pytest

from flows import flow_options
from flows.server import deploy_step, prefect_yaml
from profiles.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")


def flow_of(name: str) -> tuple[prefect_yaml.Listed, Any]:
    [listed] = [each for each in prefect_yaml.listed_flows(deploy_step.settings()) if each.name == name]
    return listed, getattr(import_module(listed.module), listed.function)


@pytest.mark.parametrize(
    ("typed", "parameters"),
    [
        ([], {}),
        (["--dry-run"], {"dry_run": True}),
        (["--dry_run", "false", "--force", "true"], {"dry_run": False, "force": True}),
        (["--slugs", "most_played", "--slugs", "never_played"], {"slugs": ["most_played", "never_played"]}),
    ],
)
def test_parameters_are_options_of_the_command(typed: list[str], parameters: dict[str, Any]) -> None:
    assert flow_options.parse(*flow_of("update-playlists"), typed) == parameters


@pytest.mark.parametrize("typed", [["--slugs", "Not A Slug"], ["--slugs", "'; drop table"]])
def test_what_does_not_fit_is_bad_input(typed: list[str]) -> None:
    with pytest.raises(InputError, match="slugs"):
        flow_options.parse(*flow_of("update-playlists"), typed)


def test_a_form_is_json_or_a_file(tmp_path: Path) -> None:
    form = {"title": "Mine", "rule": {"conditions": [{"field": "artist", "value": "Pulp"}]}}
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(form), encoding="utf-8")
    for typed in (json.dumps(form), f"@{file}"):
        assert flow_options.parse(*flow_of("create-playlist"), ["--playlist", typed]) == {"playlist": form}
    with pytest.raises(InputError, match="rule"):
        flow_options.parse(*flow_of("create-playlist"), ["--playlist", '{"title": "Mine"}'])
    with pytest.raises(click.UsageError, match="no JSON"):
        flow_options.parse(*flow_of("create-playlist"), ["--playlist", "{Mine"])


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(InputError, match="--slug"):
        flow_options.parse(*flow_of("update-playlist"), [])


def test_a_choice_offers_its_values_alone() -> None:
    assert flow_options.parse(*flow_of("initial-sync"), ["--push", "preview"]) == {"push": "preview"}
    with pytest.raises(click.UsageError, match="preview") as ended:
        flow_options.parse(*flow_of("initial-sync"), ["--push", "perhaps"])
    assert ended.value.exit_code == 2
