"""The pages in the UI: made anew at the end of the runs that change what they show, and on demand."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.run.recorded_run import recorded_flow_run
from flows.views.refresh import Refreshed, Which, refresh
from profiles.database import open_database
from profiles.settings import load_settings


def refresh_pages(which: Which = Which.ALL) -> Refreshed:
    """Make the pages anew, all or a part."""
    settings = load_settings()
    return refresh(settings, open_database(settings), which)


@flow(name="refresh-pages", flow_run_name="pages")
def refresh_all_pages() -> State[Any]:
    """Make every page of the UI anew: Library, Playlists, Listening, the years, Diagnostics."""
    with recorded_flow_run("refresh-pages") as run:
        run.step("pages", refresh_pages)
    return run.state
