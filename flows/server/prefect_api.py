"""What `tracker up` asks a Prefect server, over its REST API: importing Prefect takes seconds.

A server that has just been started, or whose SQLite file is busy, answers 503 for a while. Every question is
therefore repeated, here and only here.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import tenacity

from flows.server.environment import AUTH_STRING, START_TIMEOUT_S
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

OVERDUE = timedelta(minutes=1)
PAGE = 200
LONGEST_PAUSE_S = 2.0
STOPPED = "It was stopped before it ended; the next run goes on from what is there."
SEE_LOG = "See services/server.log below TRACKER_HOME."
_tokens: dict[str, dict[str, str]] = {}  # against forged forms, by server
NOT_READY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class ServerError(TrackerError):
    """The Prefect server refuses a question, with this HTTP status."""

    def __init__(self, message: str, *, remedy: str = "", status: int) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class ServerUnavailable(TrackerError):
    """The Prefect server did not answer, or was not ready, for as long as a start may take."""


def ask(
    api_url: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    patience_s: float = START_TIMEOUT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Return the server's answer as JSON, None for an empty one; repeated while the server is not ready.

    Every question of ours may be asked twice. Raises ServerError where the server refuses, ServerUnavailable
    where it is not ready within `patience_s`.
    """
    asking = tenacity.Retrying(
        sleep=sleep,
        retry=tenacity.retry_if_exception(_is_not_ready),
        wait=tenacity.wait_exponential(multiplier=0.1, max=LONGEST_PAUSE_S),
        stop=tenacity.stop_after_delay(patience_s),
        reraise=True,
    )
    try:
        return asking(_ask_once, api_url, method, path, body)
    except (OSError, HTTPException) as error:
        said = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else str(error)
        if isinstance(error, urllib.error.HTTPError) and not _is_not_ready(error):
            raise ServerError(
                f"The Prefect server at {api_url} does not do {method} {path} ({said}).",
                remedy=SEE_LOG,
                status=error.code,
            ) from None
        raise ServerUnavailable(
            f"The Prefect server at {api_url} is not ready after {patience_s:.0f} s ({said}).",
            remedy=f"Repeat it; if that does not help: {SEE_LOG}",
        ) from None


def _ask_once(api_url: str, method: str, path: str, body: dict[str, Any] | None) -> Any:
    try:
        return _send(api_url, method, path, body, _tokens.get(api_url, {}))
    except urllib.error.HTTPError as error:
        # it wants a token against forged forms: none was sent, or that one is over
        if error.code != HTTPStatus.FORBIDDEN or method == "GET":
            raise
        error.close()
    client = str(uuid4())
    token = _send(api_url, "GET", f"csrf-token?client={client}", None, {})["token"]
    _tokens[api_url] = {"Prefect-Csrf-Client": client, "Prefect-Csrf-Token": token}
    return _send(api_url, method, path, body, _tokens[api_url])


def _send(
    api_url: str, method: str, path: str, body: dict[str, Any] | None, headers: Mapping[str, str]
) -> Any:
    request = urllib.request.Request(  # noqa: S310  # the address is that of our own server
        f"{api_url}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **_authorization(), **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
        content = answer.read()
    return json.loads(content) if content else None


def _authorization() -> dict[str, str]:
    auth_string = os.environ.get(AUTH_STRING)
    if not auth_string:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(auth_string.encode()).decode()}"}


def _is_not_ready(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return error.code in NOT_READY
    # refused, dropped in the middle of an answer, or too slow
    return isinstance(error, OSError | HTTPException)


def is_worker_online(api_url: str, pool: str, name: str, *, since: datetime) -> bool:
    """Say whether this worker has reported to the server after this moment."""
    try:
        workers = ask(api_url, "POST", f"work_pools/{pool}/workers/filter", {})
    except ServerError:  # the pool is made by the worker
        return False
    return any(
        worker["name"] == name and datetime.fromisoformat(worker["last_heartbeat_time"]) >= since
        for worker in workers
    )


def deployments_on(api_url: str) -> list[dict[str, Any]]:
    """Return all deployments on the server."""
    found: list[dict[str, Any]] = []
    while True:
        page = ask(api_url, "POST", "deployments/filter", {"limit": PAGE, "offset": len(found)})
        found += page
        if len(page) < PAGE:
            return found


def settle_runs(api_url: str) -> list[str]:
    """Close what a stop or a power cut left open, before a worker starts; return the ids of these runs.

    Runs that were under way or waited for an answer are marked as crashed: nobody works on them. Of the runs
    that fell due meanwhile the latest of each deployment stays, to be made up for; a hundred polls at once
    would only burn the quota. Raises ServerUnavailable.
    """
    stopped = _runs(api_url, ["RUNNING", "PENDING", "CANCELLING", "PAUSED"], due="before_")
    state = {"type": "CRASHED", "name": "Crashed", "message": STOPPED}
    for run in stopped:
        _do(api_url, "POST", f"flow_runs/{run['id']}/set_state", {"state": state, "force": True})
    forget_superseded_runs(api_url)
    return [run["id"] for run in stopped]


def forget_superseded_runs(api_url: str) -> None:
    """Delete the overdue runs that a later one makes up for. Raises ServerUnavailable."""
    for run in superseded(_runs(api_url, ["SCHEDULED"], due="before_"), datetime.now(UTC)):
        _do(api_url, "DELETE", f"flow_runs/{run['id']}")


def forget_coming_runs(api_url: str) -> None:
    """Delete the runs that schedules have planned: the server plans them anew. Raises ServerUnavailable."""
    for run in _runs(api_url, ["SCHEDULED"], due="after_"):
        if run["auto_scheduled"]:
            _do(api_url, "DELETE", f"flow_runs/{run['id']}")


def _do(api_url: str, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Ask for a change of one run. Where the server refuses it, the other runs have their own luck."""
    try:
        ask(api_url, method, path, body)
    except ServerError as error:
        logger.warning("%s", error)


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


def _runs(api_url: str, state_types: list[str], *, due: Literal["before_", "after_"]) -> list[dict[str, Any]]:
    """Return the runs of deployments in these states that were due before or are due after now, in order."""
    now = datetime.now(UTC).isoformat()
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
                    "expected_start_time": {due: now},
                },
                "sort": "EXPECTED_START_TIME_ASC",
                "limit": PAGE,
                "offset": len(found),
            },
        )
        found += page
        if len(page) < PAGE:
            return found
