"""Schedules, options, diffs, verdicts: functions without effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prefect.utilities.callables import parameter_schema

from flows.push import PushReport
from flows.run import dbt_build, tasks
from flows.server import deploy_step, prefect_api, prefect_yaml
from flows.views import playlists
from playlists.playlist_types import EditScript, Plan, PlaylistState, PushResult, Refusal
from profiles.errors import AuthorizationLost, DatabaseUnavailable, SpotifyUnavailable


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


def overdue_run(deployment: str, minutes_ago: int, *, is_scheduled: bool = True) -> dict[str, Any]:
    due = datetime(2026, 11, 22, 12, tzinfo=UTC) - timedelta(minutes=minutes_ago)
    return {
        "id": f"{deployment}-{minutes_ago}",
        "deployment_id": deployment,
        "auto_scheduled": is_scheduled,
        "expected_start_time": due.isoformat(),
    }


def test_of_the_runs_missed_meanwhile_the_latest_of_each_deployment_stays() -> None:
    runs = [overdue_run("poll", minutes) for minutes in (30, 20, 10, 0)]
    runs += [overdue_run("daily", 300), overdue_run("poll", 40, is_scheduled=False)]
    dropped = prefect_api.superseded(runs, datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert [run["id"] for run in dropped] == ["poll-30", "poll-20"]


@dataclass
class State:
    error: Exception

    def result(self, **_: bool) -> Exception:
        return self.error


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (SpotifyUnavailable("503"), True),
        (SpotifyUnavailable("timeout", may_have_been_applied=True), False),
        (DatabaseUnavailable("away"), True),
        (AuthorizationLost("sign in again"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_repeated(error: Exception, is_repeated: bool) -> None:
    decide: Any = tasks.is_worth_repeating
    assert decide(None, None, State(error)) is is_repeated


def node(status: str, kind: str = "model", message: str | None = None) -> SimpleNamespace:
    named = SimpleNamespace(resource_type=kind, name=f"some_{kind}")
    return SimpleNamespace(status=status, node=named, message=message)


def test_a_warning_of_one_playlist_does_not_fail_a_build() -> None:
    results = [node("success"), node("pass", "test"), node("warn", "test", "Got 2 results")]
    verdict = dbt_build.read_verdict([*results, node("success", "operation")])
    assert verdict.failures == ()
    assert verdict.warnings == ("test some_test: Got 2 results",)
    assert str(verdict) == "1 models built, 1 tests passed, 1 warn"


def test_failed_and_skipped_nodes_are_told_apart() -> None:
    verdict = dbt_build.read_verdict(
        [node("error", message="no\n  column x"), node("skipped"), node("fail", "test")]
    )
    assert verdict.failures == ("model some_model: no column x", "test some_test: fail")
    assert verdict.skipped == 1


def plan(**details: Any) -> Plan:
    state = PlaylistState("mixed_bag", "id1", "Mixed *Bag*")
    given: dict[str, Any] = {"outcome": "planned", "wanted": ("spotify:track:a", "spotify:track:b")} | details
    return Plan("mixed_bag", "Mixed *Bag*", None, state, **given)


def test_a_diff_names_the_songs_and_shows_their_signs_as_they_are() -> None:
    script = EditScript(added=("spotify:track:a",), removed=("spotify:track:c",))
    result = PushResult("mixed_bag", "pushed", plan(script=script), "id1", calls=3)
    text = playlists.diff_markdown(result, {"spotify:track:a": "100% [Live] – P!nk_"}, is_dry_run=False)
    assert "# Mixed \\*Bag\\*: Pushed" in text
    assert "* + 100% \\[Live\\] – P!nk\\_" in text
    assert "* − spotify:track:c" in text


def test_a_diff_tells_what_changes_beside_the_songs() -> None:
    changed = plan(rename_to="New *name*", publish_as=True)
    text = playlists.diff_markdown(PushResult("mixed_bag", "planned", changed), {}, is_dry_run=True)
    assert "* name becomes New \\*name\\*" in text
    assert "* public becomes true, a request" in text


def test_a_long_diff_ends_with_how_many_more_there_are() -> None:
    script = EditScript(added=tuple(f"spotify:track:{number}" for number in range(70)))
    text = playlists.diff_markdown(
        PushResult("mixed_bag", "planned", plan(script=script)), {}, is_dry_run=True
    )
    assert "## Added (70)" in text
    assert "… and 20 more" in text


def test_a_refusal_stands_in_the_table_with_its_reason() -> None:
    refused = plan(outcome="refused", refusals=(Refusal("churn", "80% would change.", "Use force."),))
    row = playlists.table_row(PushResult("mixed_bag", "refused", refused))
    assert row["why"] == "80% would change."
    assert row["playlist"] == "[Mixed *Bag*](https://open.spotify.com/playlist/id1)"


def test_a_push_is_told_in_one_line() -> None:
    unchanged = PushResult("mixed_bag", "unchanged", plan())
    results = (PushResult("mixed_bag", "pushed", plan()), unchanged, unchanged)
    assert PushReport(results, 4).summary == "1 pushed, 2 unchanged, 4 calls"
