"""What a run leaves to be seen: its result in its name, and a summary under its Artifacts tab."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from flows.views.frame import MENU
from flows.views.markdown import counted, escape, link, table
from flows.views.pages import Addresses, PageStore, open_client
from profiles.clock import real_now

if TYPE_CHECKING:
    from datetime import datetime

    from profiles.recorded_run import RecordedRun

logger = logging.getLogger(__name__)


def leave(run: RecordedRun, headline: str, started_at: datetime) -> None:
    """Name the flow run by its result and write its summary. A server that is away does not fail the run."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or run.is_forgotten:
        return
    try:
        with open_client() as client:
            client.set_flow_run_name(context.flow_run.id, f"{context.flow_run.name}: {headline}")
            addresses = PageStore(client).addresses()
        seconds = (real_now() - started_at).total_seconds()
        text = markdown(run, headline, addresses, seconds)
        create_markdown_artifact(text, description=f"{run.flow}: {headline}")
    except httpx.HTTPError as error:
        logger.debug("the run could not be named: %s", error)


def markdown(run: RecordedRun, headline: str, addresses: Addresses, seconds: float) -> str:
    """Return the summary: links to the pages, how the run ended, and what each step did."""
    menu = " · ".join(link(title, addresses.of(name)) for name, title in MENU.items())
    rows = [
        *((name, "failed", why) for name, why in run.failed.items()),
        *((name, "deferred", why) for name, why in run.deferred.items()),
        *((name, "done", what) for name, what in run.done.items()),
    ]
    told = run.skipped_because or f"{seconds:,.0f} s, {counted(run.calls, 'call')} to Spotify"
    lines = [menu, "", f"# {escape(run.flow)}: {escape(headline)}", "", escape(told), ""]
    if rows:
        lines += table(("step", "", "what"), [(escape(name), how, escape(what)) for name, how, what in rows])
    return "\n".join(lines) + "\n"
