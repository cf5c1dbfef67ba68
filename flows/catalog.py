"""What can be played, who the artists are, newer editions: within a day's budget of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from extract import artists, availability
from flows.run.progress import progress_bar
from flows.run.recorded_run import recorded_flow_run
from flows.run.tasks import step_task
from profiles.session import open_session

if TYPE_CHECKING:
    from extract.report import LoadReport


@step_task("check availability")
def load_availability(*, full: bool = False) -> LoadReport:
    """Ask which tracks can be played in SPOTIFY_MARKET: a seventh of the pages, stalest first, or all."""
    with open_session() as session, progress_bar("check-availability", "entries asked for") as bar:
        return availability.check_availability(session, full=full, progress=bar)


@step_task("load artists")
def load_artists() -> LoadReport:
    """Load genres and images of artists, most played first, within the day's budget."""
    with open_session() as session:
        return artists.sync_artists(session)


@step_task("look for newer editions")
def load_artist_albums() -> LoadReport:
    """Load what the artists of saved albums have published, stalest first, within the day's budget."""
    with open_session() as session:
        return artists.sync_artist_albums(session)


@flow(name="check-availability", flow_run_name="availability")
def check_availability(
    full: bool = False,
) -> State[Any]:
    """Find out which tracks of the library can be played in SPOTIFY_MARKET.

    Fifty tracks cost one call. What no answer is known of stays unknown; an error never means "unplayable".

    Args:
        full: Ask for every page now instead of the next seventh.
    """
    with recorded_flow_run("check-availability", full=full) as run:
        run.step("availability", load_availability, full=full)
    return run.state


@flow(name="sync-artists", flow_run_name="artists")
def sync_artists() -> State[Any]:
    """Load artists with genres and images, and what those of saved albums have published: a day's budget."""
    with recorded_flow_run("sync-artists") as run:
        run.step("artists", load_artists)
        run.step("newer editions", load_artist_albums)
    return run.state
