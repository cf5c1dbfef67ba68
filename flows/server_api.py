"""What `make up` asks a Prefect server, over its REST API: importing Prefect takes seconds."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

OVERDUE = timedelta(minutes=1)
PAGE = 200


def ask(api_url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return the server's answer as JSON, None for an empty one. Raises OSError and HTTPError."""
    request = urllib.request.Request(  # noqa: S310  # the address is that of our own server
        f"{api_url}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
        content = answer.read()
    return json.loads(content) if content else None


def is_worker_online(api_url: str, pool: str, name: str, *, since: datetime) -> bool:
    """Say whether this worker has reported to the server after this moment."""
    try:
        workers = ask(api_url, "POST", f"work_pools/{pool}/workers/filter", {})
    except urllib.error.HTTPError:  # the pool is made by the worker
        return False
    return any(
        worker["name"] == name and datetime.fromisoformat(worker["last_heartbeat_time"]) >= since
        for worker in workers
    )


def deployment_names(api_url: str) -> set[str]:
    """Return the names of all deployments on the server."""
    names: set[str] = set()
    while True:
        page = ask(api_url, "POST", "deployments/filter", {"limit": PAGE, "offset": len(names)})
        names |= {deployment["name"] for deployment in page}
        if len(page) < PAGE:
            return names


def settle_runs(api_url: str) -> None:
    """Close what a stop or a power cut left open, before a worker starts.

    Runs that were under way are marked as crashed: nobody works on them. Of the runs that fell due meanwhile
    the latest of each deployment stays, to be made up for; a hundred polls at once would only burn the quota.
    """
    for run in _runs(api_url, ["RUNNING", "PENDING", "CANCELLING"]):
        message = "It was stopped before it ended; the next run goes on from what is there."
        state = {"type": "CRASHED", "name": "Crashed", "message": message}
        ask(api_url, "POST", f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    for run in superseded(_runs(api_url, ["SCHEDULED"]), datetime.now(UTC)):
        ask(api_url, "DELETE", f"flow_runs/{run['id']}")


def superseded(runs: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the overdue runs of schedules that have a later overdue run of the same deployment."""
    overdue = [
        run
        for run in runs
        if run["auto_scheduled"] and datetime.fromisoformat(run["expected_start_time"]) < now - OVERDUE
    ]
    overdue.sort(key=lambda run: datetime.fromisoformat(run["expected_start_time"]))
    latest = {run["deployment_id"]: run["id"] for run in overdue}
    return [run for run in overdue if run["id"] != latest[run["deployment_id"]]]


def _runs(api_url: str, state_types: list[str]) -> list[dict[str, Any]]:
    """Return the runs of deployments in these states, those due first first."""
    found: list[dict[str, Any]] = []
    while True:
        page = ask(
            api_url,
            "POST",
            "flow_runs/filter",
            {
                "flow_runs": {
                    "state": {"type": {"any_": state_types}},
                    "deployment_id": {"is_null_": False},
                    "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
                },
                "sort": "EXPECTED_START_TIME_ASC",
                "limit": PAGE,
                "offset": len(found),
            },
        )
        found += page
        if len(page) < PAGE:
            return found
