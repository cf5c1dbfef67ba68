"""The pages in the UI, made anew by the runs that change what they show, and the weekly report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.run.recorded_run import recorded_flow_run
from flows.views import report
from flows.views.refresh import Refreshed, Which, refresh
from profiles.database import open_database
from profiles.recorded_run import Overlap
from profiles.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Written:
    """A report that was written."""

    file: Path
    size_bytes: int

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.file} ({self.size_bytes / MEGABYTE:.1f} MB)"

    @property
    def headline(self) -> str:
        """What came of the run, for its name."""
        return self.file.name


def refresh_pages(which: Which = Which.ALL) -> Refreshed:
    """Make the pages anew, all or a part."""
    settings = load_settings()
    return refresh(settings, open_database(settings), which)


def write_report() -> Written:
    """Write the report to TRACKER_HOME/report.html."""
    settings = load_settings()
    file = settings.tracker_home / report.FILE_NAME
    return Written(file, report.write(settings, open_database(settings), file))


@flow(name="refresh-pages", flow_run_name="pages")
def refresh_all_pages() -> State[Any]:
    """Make every page of the UI anew: Library, Playlists, Listening, the years, Diagnostics."""
    with recorded_flow_run("refresh-pages") as run:
        run.step("pages", refresh_pages)
    return run.state


@flow(name="weekly-report", flow_run_name="weekly report")
def weekly_report() -> State[Any]:
    """Write your listening and your years to TRACKER_HOME/report.html, and make every page of the UI anew."""
    with recorded_flow_run("weekly-report", overlap=Overlap.SKIP) as run:
        run.step("report", write_report)
        run.step("pages", refresh_pages)
    return run.state
