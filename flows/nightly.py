"""The library, once a day, and all of it the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow

from flows import run_log
from flows.builds import Models, build_step, mark_build_due
from flows.listening import load_plays
from flows.parameters import Push
from flows.push import push_step
from flows.runs import Overlap, conduct
from flows.sync import load_albums, load_likes, load_playlists, load_profile

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


@flow(name="daily-sync", flow_run_name="daily sync")
def daily_sync() -> State[Any]:
    """Albums, likes, exclusions, then all models with their tests.

    A step that fails or is deferred by a quota does not stop the others: the models are built from what there
    is, and the run's end names what is missing. Playlists are brought in line by update-playlists.
    """
    with conduct("daily-sync", overlap=Overlap.SKIP) as run:
        run.step("albums", load_albums)
        run.step("likes", load_likes)
        run.step("playlists", load_playlists)
        if not run.is_skipped:
            mark_build_due(run.database)
        run.step("build", build_step, Models.ALL)
        if not run.is_skipped:
            run_log.prune(run.database)
    return run.state


@flow(name="initial-sync", flow_run_name="initial sync")
def initial_sync(push: Push = Push.APPLY, full: bool = True) -> State[Any]:
    """Everything once: profile, plays, likes, albums, playlists, models, and the playlists on Spotify.

    Safe to repeat: what is there already is compared, not loaded twice.

    Args:
        push: `apply` creates and fills the playlists, `preview` only shows what it would do.
        full: List the whole library instead of looking for changes.
    """
    with conduct("initial-sync", overlap=Overlap.SKIP, push=push, full=full) as run:
        run.step("profile", load_profile)
        # plays early: they are lost for good if a long library uses the quota up first
        run.step("plays", load_plays)
        run.step("likes", load_likes, full=full)
        run.step("albums", load_albums, full=full)
        run.step("playlists", load_playlists)
        run.step("build", build_step, Models.ALL)
        if push is not Push.NO and not run.has_trouble("build"):
            push_step(run, dry_run=push is Push.PREVIEW)
    return run.state
