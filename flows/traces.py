"""What our runs have left in Prefect's own database, and how it goes: artifacts, runs, their logs."""

from __future__ import annotations

import time
import urllib.error
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL

from flows.catalogue import listed_flows
from flows.server_api import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 200
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Removed:
    """How much was deleted."""

    artifacts: int
    runs: int


def remove() -> Removed:
    """Delete the artifacts and runs of our flows, with their logs. The run that asks stays, without its logs.

    Other people's flows on the same server are left alone. Raises OSError.
    """
    api_url = PREFECT_API_URL.value()
    if not api_url:
        return Removed(0, 0)
    ours = {"flows": {"name": {"any_": sorted({flow.name for flow in listed_flows({})})}}}
    artifacts = runs = 0
    for artifact in _all(api_url, "artifacts/filter", ours):
        _ask(api_url, "DELETE", f"artifacts/{artifact['id']}")
        artifacts += 1
    own = _own_run()
    for run in _all(api_url, "flow_runs/filter", ours):
        if run["id"] != own:
            _ask(api_url, "DELETE", f"flow_runs/{run['id']}")
            runs += 1
    return Removed(artifacts, runs)


def forget_parameters() -> None:
    """Take the parameters of the run under way out of Prefect's database."""
    api_url, own = PREFECT_API_URL.value(), _own_run()
    if api_url and own:
        with suppress(OSError):  # what they held is spent anyway
            _ask(api_url, "PATCH", f"flow_runs/{own}", {"parameters": {}})


def _all(api_url: str, path: str, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object once; those yielded may be deleted meanwhile."""
    found: list[dict[str, Any]] = []
    while True:
        page = _ask(api_url, "POST", path, {**where, "limit": PAGE, "offset": len(found)})
        found += page
        if len(page) < PAGE:
            yield from found
            return


def _ask(api_url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask patiently: the server answers 503 while its SQLite file is busy."""
    for pause_s in PAUSES_S:
        try:
            return ask(api_url, method, path, body)
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND and method == "DELETE":
                return None  # somebody was quicker
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        time.sleep(pause_s)
    return ask(api_url, method, path, body)


def _own_run() -> str | None:
    context = FlowRunContext.get()
    return str(context.flow_run.id) if context is not None and context.flow_run is not None else None
