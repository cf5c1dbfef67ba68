"""Deployments: schedules that follow the settings, forms that are typed and explained, no secret."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema

from flows.server import deploy_step, deployments, prefect_yaml

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [
        (5, "* * * * * */5"),
        (59, "* * * * * */30"),
        (60, "*/1 * * * *"),
        (600, "*/10 * * * *"),
        (700, "*/10 * * * *"),
        (3600, "0 */1 * * *"),
        (86_400, "0 */12 * * *"),
    ],
)
def test_an_interval_becomes_a_schedule_that_is_never_rarer(seconds: int, cron: str) -> None:
    assert deploy_step.cron_of(seconds) == cron


def test_without_settings_the_schedules_have_their_defaults() -> None:
    settings = deploy_step.settings()
    assert settings["poll_cron"] == "*/10 * * * *"
    assert settings["timezone"] == "UTC"


def test_schedules_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_POLL_SECONDS", "300")
    monkeypatch.setenv("TRACKER_TIMEZONE", "Europe/Berlin")
    schedules = {flow.name: flow.schedule for flow in prefect_yaml.listed_flows(deploy_step.settings())}
    assert schedules["track-plays"] == "*/5 * * * * UTC"
    assert schedules["daily-sync"] == "7 7 * * * Europe/Berlin"
    assert schedules["update-playlists"] == "0 10 * * * Europe/Berlin"
    assert schedules["sync-likes"] == ""


def test_every_listed_flow_tells_what_it_does() -> None:
    for flow in prefect_yaml.listed_flows(deploy_step.settings()):
        assert flow.summary.endswith("."), flow.name


def flow_of(name: str) -> tuple[prefect_yaml.Listed, Any]:
    [listed] = [each for each in prefect_yaml.listed_flows(deploy_step.settings()) if each.name == name]
    return listed, getattr(import_module(listed.module), listed.function)


def test_every_field_of_every_form_has_a_type_and_an_explanation() -> None:
    for listed in prefect_yaml.listed_flows(deploy_step.settings()):
        for name, field in parameter_schema(flow_of(listed.name)[1]).properties.items():
            assert {"type", "anyOf", "allOf", "enum", "$ref"} & set(field), f"{listed.name}: {name}"
            assert field.get("description"), f"{listed.name}: {name}"


def test_no_deployment_names_a_secret() -> None:
    content = yaml.safe_load(prefect_yaml.PREFECT_YAML.read_text(encoding="utf-8"))
    for word in ("SECRET", "PASSWORD", "TOKEN", "env"):
        assert word not in str(content["deployments"])


def test_forms_are_deployed_anew_when_any_code_that_they_are_made_of_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = tmp_path / "playlists" / "rules" / "form.py"
    form.parent.mkdir(parents=True)
    form.write_text("a = 1")
    monkeypatch.setattr(deployments, "REPOSITORY", tmp_path)
    before = deployments.fingerprint()
    form.write_text("a = 2")
    assert deployments.fingerprint() != before
