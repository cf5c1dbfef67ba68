"""The library, once a day, and all of it the first time."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.catalog import load_artist_albums, load_artists, load_availability
from flows.listening import load_plays
from flows.pages import refresh_pages
from flows.push import push_step
from flows.run import events
from flows.run.dbt_build import Models, build_step
from flows.run.parameters import Push
from flows.run.recorded_run import Run, recorded_flow_run
from flows.sync import load_albums, load_likes, load_playlists, load_profile
from profiles import run_log
from profiles.build_marks import mark_build_due
from profiles.recorded_run import Overlap
from profiles.settings import load_settings


@flow(name="daily-sync", flow_run_name="daily sync")
def daily_sync() -> State[Any]:
    """Albums, likes, availability, exclusions, artists, all models with their tests, then newer editions.

    A step that fails or is deferred by a quota does not stop the others: the models are built from what there
    is, and the run's end names what is missing. Playlists are brought in line by update-playlists.
    """
    with recorded_flow_run("daily-sync", overlap=Overlap.SKIP) as run:
        run.step("albums", load_albums)
        run.step("likes", load_likes)
        run.step("availability", load_availability)
        run.step("exclusions", load_playlists)
        run.step("artists", load_artists)
        _build(run)
        run.step("newer editions", load_artist_albums)
        run.step("pages", refresh_pages)
        if not run.is_skipped:
            events.tell_of_sign_in(load_settings(), run.database, run.flow)
            if told := events.tell_of_health(run.database, run.flow):
                run.note("health", told)
            run_log.prune(run.database)
    return run.state


@flow(name="weekly-full-sync", flow_run_name="weekly full sync")
def weekly_full_sync() -> State[Any]:
    """List the whole library again, compare, build all models: what a nightly look missed comes right.

    A pass that is cut short removes nothing.
    """
    with recorded_flow_run("weekly-full-sync", overlap=Overlap.SKIP) as run:
        run.step("likes", load_likes, full=True)
        run.step("albums", load_albums, full=True)
        run.step("exclusions", load_playlists)
        _build(run)
        run.step("pages", refresh_pages)
    return run.state


@flow(name="initial-sync", flow_run_name="initial sync")
def initial_sync(push: Push = Push.APPLY, full: bool = True) -> State[Any]:
    """Everything once: profile, plays, library, availability, artists, models, the playlists on Spotify.

    Safe to repeat: what is there already is compared, not loaded twice.

    Args:
        push: `apply` creates and fills the playlists, `preview` only shows what it would do.
        full: List the whole library instead of looking for changes.
    """
    with recorded_flow_run("initial-sync", overlap=Overlap.SKIP, push=push, full=full) as run:
        run.step("profile", load_profile)
        # plays early: they are lost for good if a long library uses the quota up first
        run.step("plays", load_plays)
        run.step("likes", load_likes, full=full)
        run.step("albums", load_albums, full=full)
        run.step("availability", load_availability, full=full)
        run.step("exclusions", load_playlists)
        run.step("artists", load_artists)
        _build(run)
        if push is not Push.NO and not run.has_trouble("build"):
            push_step(run, dry_run=push is Push.PREVIEW)
        run.step("pages", refresh_pages)
    return run.state


def _build(run: Run) -> None:
    if not run.is_skipped:
        mark_build_due(run.database)
    run.step("build", build_step, Models.ALL)
