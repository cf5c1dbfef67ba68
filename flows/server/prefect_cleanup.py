"""What our runs have left in Prefect's own database, and how it goes: artifacts, runs, their logs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL

from flows.server.prefect_api import ServerError, ServerUnavailable, ask
from flows.server.prefect_yaml import listed_flows
from flows.views.pages import PageStore, open_client

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 200


@dataclass(frozen=True)
class Removed:
    """How much was deleted."""

    artifacts: int
    runs: int


def remove() -> Removed:
    """Delete our pages and our flows' artifacts, runs and logs. The run that asks stays, without its logs.

    Other people's flows on the same server are left alone. Raises ServerError and ServerUnavailable.
    """
    api_url = PREFECT_API_URL.value()
    if not api_url:
        return Removed(0, 0)
    ours = {"flows": {"name": {"any_": sorted({flow.name for flow in listed_flows({})})}}}
    with open_client() as client:
        artifacts = PageStore(client).remove()
    runs = 0
    for artifact in _all(api_url, "artifacts/filter", ours):
        _delete(api_url, f"artifacts/{artifact['id']}")
        artifacts += 1
    own = _own_run()
    for run in _all(api_url, "flow_runs/filter", ours):
        if run["id"] != own:
            _delete(api_url, f"flow_runs/{run['id']}")
            runs += 1
    return Removed(artifacts, runs)


def forget_parameters() -> None:
    """Take the parameters of the run under way out of Prefect's database."""
    api_url, own = PREFECT_API_URL.value(), _own_run()
    if api_url and own:
        with suppress(ServerError, ServerUnavailable):  # what they held is spent anyway
            ask(api_url, "PATCH", f"flow_runs/{own}", {"parameters": {}})


def _all(api_url: str, path: str, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object once; those yielded may be deleted meanwhile."""
    found: list[dict[str, Any]] = []
    while True:
        page = ask(api_url, "POST", path, {**where, "limit": PAGE, "offset": len(found)})
        found += page
        if len(page) < PAGE:
            yield from found
            return


def _delete(api_url: str, path: str) -> None:
    try:
        ask(api_url, "DELETE", path)
    except ServerError as error:
        if error.status != HTTPStatus.NOT_FOUND:  # else somebody was quicker
            raise


def _own_run() -> str | None:
    context = FlowRunContext.get()
    return str(context.flow_run.id) if context is not None and context.flow_run is not None else None
