"""What the doctor is told of the services: what runs, comes back after a reboot, and is on schedule."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flows.server import at_boot, processes
from flows.server.environment import authorization
from flows.server.layout import Services
from flows.server.prefect_api import PAGE, ask
from profiles.errors import TrackerError
from profiles.findings import Finding, State, finding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.settings import Settings

PATIENCE_S = 3.0
UP = "`tracker up` starts what is missing."
POLL = "track-plays"


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the parts that `tracker up` starts, and whether their schedules are on."""
    parts = Services(settings)
    files = {"server": parts.server_file, "worker": parts.worker_file, "watchdog": parts.watchdog_file}
    runs = {name: processes.running(file) is not None for name, file in files.items()}
    missing = [name for name, is_running in runs.items() if not is_running]
    if len(missing) == len(runs):
        yield Finding("services", "note", "nothing runs on schedule here: plays are not polled", UP)
        return
    if missing:
        state: State = "note" if missing == ["watchdog"] else "failed"
        yield Finding("services", state, f"not running: {', '.join(missing)}", UP)
    if not at_boot.is_installed(settings):
        yield Finding(
            "services", "note", "nothing starts after a reboot", "`tracker up --at-boot` changes that."
        )
    if runs["server"]:
        os.environ.update(authorization(settings))
        yield from _schedules(parts.api_url)


def _schedules(api_url: str) -> Iterator[Finding]:
    try:
        found = ask(api_url, "POST", "deployments/filter", {"limit": PAGE}, patience_s=PATIENCE_S)
    except TrackerError as error:
        yield finding_of("services", error)
        return
    scheduled = {each["name"]: each for each in found if each["schedules"]}
    for name, each in scheduled.items():
        if each["paused"] or not any(schedule["active"] for schedule in each["schedules"]):
            yield Finding(
                "schedules",
                "failed" if name == POLL else "note",
                f"{name} is paused",
                f"Switch its schedule on again, on the page of the deployment {name}.",
            )
    if POLL not in scheduled:
        yield Finding("schedules", "failed", f"{POLL} is not on schedule: plays are not polled", UP)
        return
    yield Finding("schedules", "ok", f"{len(scheduled)} flows are planned")
