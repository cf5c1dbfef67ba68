"""`tracker up`: the UI, the schedules, the worker, and what survives a stop. In this order."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from flows.server.services import RUNNING_FLOW
from profiles.settings import secret_variables
from tests.e2e.attacker import MAP, attack
from tests.e2e.conftest import POLL_SECONDS, Machine, ask, eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # on busy cores a start and a build take minutes

CHROMIUM = "/usr/bin/chromium"
SCHEDULES = {
    "track-plays": f"* * * * * */{POLL_SECONDS}",
    "daily-sync": "7 7 * * *",
    "update-playlists": "0 10 * * *",
}
ON_DEMAND = {"update-playlist", "initial-sync", "sync-likes", "sync-albums", "build-models"}
QUIET_BROWSER = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


def deployments(machine: Machine) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in machine.api("POST", "deployments/filter", {})}


def pause(machine: Machine, name: str) -> None:
    """Pause the schedule of a deployment, as a click in the UI does."""
    deployment = deployments(machine)[name]
    path = f"deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    machine.api("PATCH", path, {"active": False})


def finished_runs(machine: Machine) -> int:
    return count_runs(machine, {"type": {"any_": ["COMPLETED"]}})


def count_runs(machine: Machine, state: dict[str, Any]) -> int:
    count: int = machine.api("POST", "flow_runs/count", {"flow_runs": {"state": state}})
    return count


def test_the_ui_answers_and_asks_its_own_server(machine: Machine) -> None:
    # where it was loaded from, whatever name or forwarded port that has
    assert ask(f"{machine.ui_url}/ui-settings", "GET", None)["api_url"] == "/api"


def test_every_deployment_is_listed_with_its_schedule(machine: Machine) -> None:
    found = deployments(machine)
    for name, cron in SCHEDULES.items():
        assert [each["schedule"]["cron"] for each in found[name]["schedules"]] == [cron]
        assert all(each["active"] for each in found[name]["schedules"])
    on_demand = {
        "update-playlist",
        "initial-sync",
        "sync-likes",
        "sync-albums",
        "sync-exclusions",
        "build-models",
        "decide-recording",
    }
    assert on_demand <= set(found)
    # each poll costs seconds, and few tests look at them
    machine.api("POST", f"deployments/{found['track-plays']['id']}/pause_deployment")


def test_forms_are_typed_and_explained(machine: Machine) -> None:
    schema = deployments(machine)["update-playlists"]["parameter_openapi_schema"]
    assert schema["properties"]["dry_run"]["type"] == "boolean"
    assert "write nothing" in schema["properties"]["dry_run"]["description"]


def test_no_secret_stands_in_a_deployment(machine: Machine) -> None:
    secret = machine.environment["SPOTIFY_CLIENT_SECRET"]
    assert secret not in str(deployments(machine))


def test_a_run_asked_for_in_the_ui_completes_on_the_worker_that_knows_no_secret(machine: Machine) -> None:
    deployment_id = deployments(machine)["sync-likes"]["id"]
    run = machine.api(
        "POST", f"deployments/{deployment_id}/create_flow_run", {"state": {"type": "SCHEDULED"}}
    )

    secret = machine.environment["SPOTIFY_CLIENT_SECRET"]
    seen: set[str] = set()

    def end() -> Any:
        for process in machine.processes():
            with suppress(psutil.Error):
                environment = process.environ()
                assert secret not in str(environment)
                assert not any(environment.get(name) for name in secret_variables())
                seen.add(" ".join(process.cmdline()))
        state = machine.api("GET", f"flow_runs/{run['id']}")["state"]
        return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    assert eventually("the run ends", end)["type"] == "COMPLETED"
    assert any(mark in command for mark in RUNNING_FLOW for command in seen)
    likes = len(machine.control("GET", "library")["likes"])
    assert machine.query("select count(*) from raw_spotify.liked_tracks") == [likes]


def test_a_play_reaches_unified_tracks_by_the_scheduled_poll(machine: Machine) -> None:
    track_id = machine.listen()
    machine.api("POST", f"deployments/{deployments(machine)['track-plays']['id']}/resume_deployment")
    eventually("the play is counted", lambda: machine.is_counted(track_id, plays=1), within_s=300)


def test_what_is_killed_is_back_and_counts_the_play_made_meanwhile_once(machine: Machine) -> None:
    parts = machine.parts()
    killed = [process for part in ("server", "worker", "database") for process in parts[part]]
    assert len(killed) == 3
    for process in killed:
        process.kill()
    track_id = machine.listen()  # heard before
    eventually("the play is counted", lambda: machine.is_counted(track_id, plays=2), within_s=300)
    after = machine.parts()
    assert {part: len(found) for part, found in after.items()} == dict.fromkeys(after, 1)
    assert after["watchdog"] == parts["watchdog"]
    assert not {process.pid for process in killed} & {found[0].pid for found in after.values()}
    plays = "select count(*), count(distinct played_at) from raw_spotify.recently_played"
    [(rows, moments)] = machine.query(plays)
    assert rows == moments
    assert machine.is_counted(track_id, plays=2)
    assert not machine.is_counted(track_id, plays=3)
    pause(machine, "track-plays")  # no later test looks at a poll, and each costs seconds


def test_a_run_that_waits_holds_no_lease_that_prefect_could_miss(machine: Machine) -> None:
    # Prefect ends a waiting run of a deployment with a concurrency limit after 225 s: the bench waits for it
    deployment = deployments(machine)["connect-spotify"]
    path = f"deployments/{deployment['id']}"
    # as an earlier version deployed it
    machine.api("PATCH", path, {"concurrency_limit": 1})
    (machine.home / "services" / "deployed").unlink()
    machine.run("flows", "up")
    assert machine.api("GET", path)["global_concurrency_limit"] is None

    run = machine.api("POST", f"{path}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    def waiting() -> Any:
        found = machine.api("GET", f"flow_runs/{run['id']}")
        return found if found["state"]["type"] not in ("SCHEDULED", "PENDING", "RUNNING") else None

    paused = eventually("the run waits", waiting)
    assert paused["state"]["name"] == "Paused"
    assert paused["state"]["state_details"]["deployment_concurrency_lease_id"] is None
    assert "Resume" in paused["name"]
    machine.api("POST", f"flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})
    eventually("it is cancelled", lambda: waiting()["state"]["type"] == "CANCELLED")


@pytest.mark.browser
def test_the_ui_shows_the_deployments(machine: Machine, tmp_path: Path) -> None:
    from pathlib import Path as RealPath

    if not RealPath(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET_BROWSER))
        try:
            page = browser.new_page()
            found = deployments(machine)
            page.goto(f"{machine.ui_url}/deployments")
            page.get_by_text(min(found), exact=True).first.wait_for(timeout=60_000)
            page.goto(f"{machine.ui_url}/deployments/deployment/{found['track-plays']['id']}")
            page.get_by_text("track-plays", exact=True).first.wait_for(timeout=60_000)
        finally:
            browser.close()


@pytest.mark.browser
def test_no_page_of_another_origin_lists_creates_or_runs_anything(machine: Machine) -> None:
    from pathlib import Path as RealPath

    if not RealPath(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET_BROWSER, MAP])
        try:
            got = attack(browser, machine.ui_url)
        finally:
            browser.close()
    hidden = [0, "TypeError: Failed to fetch"]
    assert (got.listed, got.read, got.made, got.socket, got.form) == (hidden, hidden, hidden, "refused", 403)
    assert [got.renamed_list, got.renamed_make] == [[400, "Invalid host header"]] * 2
    assert {pool["name"] for pool in machine.api("POST", "work_pools/filter", {})} == {"tracker"}


def test_up_again_brings_back_a_killed_worker_and_starts_nothing_twice(machine: Machine) -> None:
    pause(machine, "daily-sync")
    [worker] = machine.parts()["worker"]
    worker.kill()
    worker.wait(timeout=10)
    server = machine.parts()["server"]
    said = machine.run("flows", "up")
    assert f"server     {machine.ui_url} (running)" in said
    assert machine.parts()["server"] == server
    assert "stopped" not in machine.run("flows", "status")
    # what was paused in the UI stays paused
    assert not deployments(machine)["daily-sync"]["schedules"][0]["active"]


def test_after_down_nothing_runs_and_after_up_nothing_is_lost(machine: Machine) -> None:
    plays = machine.query("select count(*) from raw_spotify.recently_played")
    runs = finished_runs(machine)
    machine.run("flows", "down")
    assert [process.cmdline() for process in machine.processes()] == []
    machine.run("flows", "up")
    assert finished_runs(machine) >= runs
    assert machine.query("select count(*) from raw_spotify.recently_played") >= plays
    assert set(SCHEDULES) <= set(deployments(machine))
    # at most what was under way when the worker was killed, and at the stop
    assert count_runs(machine, {"name": {"any_": ["Crashed"]}}) <= 2


def test_a_damaged_state_of_prefect_is_set_aside_and_made_again(machine: Machine) -> None:
    plays = machine.query("select count(*) from raw_spotify.recently_played")
    prefect = machine.home / "prefect"
    [watchdog] = machine.parts()["watchdog"]
    watchdog.terminate()  # it would mend this at once, and nobody would see how it is said
    watchdog.wait(timeout=30)
    (prefect / "prefect.db").write_bytes(b"no database " * 1000)  # under the running server
    (prefect / "profiles.toml").write_text("active = [[[")
    (machine.home / "services" / "server.json").write_text('{"pid": ')
    (machine.home / "services" / "deployed").write_bytes(b"\xff")

    [doctor] = [
        line for line in machine.run("profiles", "check", status=1).splitlines() if " prefect " in line
    ]
    assert "prefect.db is damaged" in doctor

    said = machine.run("flows", "up")
    assert "prefect.db was damaged" in said
    [kept] = prefect.glob("prefect.db.damaged-*")
    assert kept.stat().st_size > 0
    assert set(SCHEDULES) <= set(deployments(machine))
    assert {part: len(found) for part, found in machine.parts().items()} == dict.fromkeys(machine.parts(), 1)
    assert machine.query("select count(*) from raw_spotify.recently_played") >= plays

    before = set(prefect.iterdir())
    assert "damaged" not in machine.run("flows", "up")
    assert {file for file in set(prefect.iterdir()) - before if "damaged" in file.name} == set()
