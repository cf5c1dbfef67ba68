"""The poll: plays into raw_spotify, and from there into unified_tracks, within one poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from extract import listening
from flows.pages import refresh_pages
from flows.run import events
from flows.run.dbt_build import Models, build_step
from flows.run.recorded_run import recorded_flow_run
from flows.run.tasks import step_task
from flows.views.refresh import Which
from profiles.build_marks import is_build_due, mark_build_due
from profiles.recorded_run import Overlap
from profiles.session import open_session

if TYPE_CHECKING:
    from extract.report import PollReport

BUILD_WAIT_S = 120  # longer than a nightly build takes here; after it, the next poll makes up for the build
GAP = (
    "All plays that Spotify shows are new: some before them may be lost. Polling more often"
    " (TRACKER_POLL_SECONDS) prevents it, an import of Spotify's export (import-history) fills it."
)


@step_task("ask for the latest plays")
def load_plays() -> PollReport:
    """Ask for the latest fifty plays and load those that are new."""
    with open_session() as session:
        return listening.poll(session)


@flow(name="track-plays", flow_run_name="poll")
def track_plays(build: bool = True) -> State[Any]:
    """Load the plays since the last poll and bring `unified_tracks` up to date. Nothing new builds nothing.

    Args:
        build: Refresh the models where plays are new. Without it the next poll or build makes up for it.
    """
    with recorded_flow_run("track-plays", overlap=Overlap.SKIP, build=build) as run:
        polled = run.step("poll", load_plays)
        if polled is not None and polled.gap_suspected:
            events.tell(events.GAP_SUSPECTED, "track-plays", GAP)
        if (polled is not None and polled.new) or run.follows_a_crash:
            mark_build_due(run.database)
        if build and not run.is_skipped and is_build_due(run.database):
            run.step("build", build_step, Models.AFTER_POLL, wait_s=BUILD_WAIT_S)
        run.step("pages", refresh_pages, Which.LIBRARY)
    return run.state
