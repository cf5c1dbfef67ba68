"""Spotify's library into raw_spotify: each sync alone, and as a step of the nightly flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from extract import profile
from extract.library import sync
from flows.exclusions import load_exclusions
from flows.run.progress import progress_bar
from flows.run.recorded_run import recorded_flow_run
from flows.run.tasks import step_task
from profiles.session import open_session

if TYPE_CHECKING:
    from extract.report import LoadReport


@step_task("load saved albums")
def load_albums(*, full: bool = False) -> LoadReport:
    """Bring saved albums, with all their tracks, in line with Spotify."""
    with open_session() as session, progress_bar("sync-albums", "albums listed") as bar:
        return sync.sync_saved_albums(session, full=full, progress=bar)


@step_task("load liked tracks")
def load_likes(*, full: bool = False) -> LoadReport:
    """Bring liked tracks in line with Spotify; what left is decided from a complete view alone."""
    with open_session() as session, progress_bar("sync-likes", "likes listed") as bar:
        return sync.sync_liked_tracks(session, full=full, progress=bar)


@step_task("load playlists")
def load_playlists() -> LoadReport:
    """Bring the list of playlists, and the entries of those that are looked into, in line with Spotify."""
    with open_session() as session:
        return load_exclusions(session)


@step_task("load profile")
def load_profile() -> LoadReport:
    """Remember whose account this is."""
    with open_session() as session:
        return profile.sync_profile(session)


@flow(name="sync-likes", flow_run_name="likes")
def sync_likes(full: bool = False) -> State[Any]:
    """Load the liked tracks: what is new, what changed, what is gone.

    Args:
        full: List every like again instead of looking for changes. Needed only when something looks wrong.
    """
    with recorded_flow_run("sync-likes", full=full) as run:
        run.step("likes", load_likes, full=full)
    return run.state


@flow(name="sync-likes-full", flow_run_name="all likes")
def sync_likes_full() -> State[Any]:
    """List every liked track again and compare. A pass that is cut short removes nothing."""
    with recorded_flow_run("sync-likes-full") as run:
        run.step("likes", load_likes, full=True)
    return run.state


@flow(name="sync-albums", flow_run_name="albums")
def sync_albums(full: bool = False) -> State[Any]:
    """Load the saved albums with all their tracks.

    Args:
        full: Ask for the tracks of long albums again even where nothing seems to have changed.
    """
    with recorded_flow_run("sync-albums", full=full) as run:
        run.step("albums", load_albums, full=full)
    return run.state


@flow(name="sync-exclusions", flow_run_name="exclusions")
def sync_exclusions() -> State[Any]:
    """Load the exclusions playlist, and the other playlists that rules look into."""
    with recorded_flow_run("sync-exclusions") as run:
        run.step("playlists", load_playlists)
    return run.state
