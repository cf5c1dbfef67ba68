"""Selections to Spotify."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.pages import refresh_pages
from flows.run.dbt_build import test_playlists
from flows.run.parameters import Slug
from flows.run.recorded_run import recorded_flow_run
from flows.run.tasks import step_task
from flows.views import diffs
from flows.views.refresh import Which
from playlists.push.push import push_all
from playlists.push.undo import undo
from profiles.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.run.recorded_run import Run
    from playlists.playlist_types import PushResult


@dataclass(frozen=True)
class PushReport:
    """How a push of several playlists ended, with all calls to Spotify that it made."""

    results: tuple[PushResult, ...]
    calls: int

    @property
    def summary(self) -> str:
        """One line."""
        counts = Counter(result.outcome.replace("_", " ") for result in self.results)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no playlist"
        return f"{outcomes}, {self.calls} calls"

    @property
    def headline(self) -> str:
        """What happened to the playlists that did not stay as they were, for a run's name."""
        counts = Counter(result.outcome.replace("_", " ") for result in self.results)
        changed = {outcome: count for outcome, count in counts.items() if outcome != "unchanged"}
        return ", ".join(f"{count} {outcome}" for outcome, count in changed.items()) or "all unchanged"


# not repeated by itself: the next run repairs what an interrupted push left, and plans from what it finds
@step_task("push playlists", is_repeatable=False)
def push_playlists(
    slugs: Sequence[str] | None = None, *, dry_run: bool = False, force: bool = False
) -> PushReport:
    """Plan, check, apply and verify each playlist on its own; unchanged ones cost no call."""
    with open_session() as session:
        results = push_all(
            session, slugs, dry_run=dry_run, force=force, tester=lambda names: test_playlists(session, names)
        )
        return PushReport(tuple(results), session.spotify.calls_made)


@flow(name="update-playlists", flow_run_name="update playlists")
def update_playlists(
    slugs: list[Slug] | None = None, dry_run: bool = False, force: bool = False
) -> State[Any]:
    """Bring every active playlist on Spotify in line with its selection.

    What is added, removed and moved is shown per playlist under Artifacts, before and after.

    Args:
        slugs: Only these playlists, e.g. `never_played`; none means all that are switched on.
        dry_run: Show what would change and write nothing to Spotify.
        force: Push also where more than max_churn of it would change. No other guard is lifted.
    """
    with recorded_flow_run("update-playlists", slugs=slugs, dry_run=dry_run, force=force) as run:
        push_step(run, slugs, dry_run=dry_run, force=force)
        _refresh(run, dry_run=dry_run)
    return run.state


@flow(name="update-playlist", flow_run_name="update {slug}")
def update_playlist(slug: Slug, dry_run: bool = False, force: bool = False) -> State[Any]:
    """Bring one playlist on Spotify in line with its selection.

    Args:
        slug: The playlist's short name, e.g. `never_played`.
        dry_run: Show what would change and write nothing to Spotify.
        force: Push also where more than max_churn of it would change. No other guard is lifted.
    """
    with recorded_flow_run("update-playlist", slug=slug, dry_run=dry_run, force=force) as run:
        push_step(run, [slug], dry_run=dry_run, force=force)
        _refresh(run, dry_run=dry_run)
    return run.state


@flow(name="undo-playlist", flow_run_name="undo {slug}")
def undo_playlist(slug: Slug, to: int | None = None, dry_run: bool = False) -> State[Any]:
    """Restore an earlier order of a playlist, and pause it, so that the next run does not redo the push.

    Tracks that come back get a new *date added*. `tracker playlists history SLUG` shows the pushes, and
    `tracker playlists resume SLUG` keeps the playlist up to date again.

    Args:
        slug: The playlist's short name, e.g. `never_played`.
        to: The number of the push whose result is restored; none means the state before the last push.
        dry_run: Show what would change and write nothing to Spotify.
    """
    with recorded_flow_run("undo-playlist", slug=slug, to=to, dry_run=dry_run) as run:
        report = run.step("undo", undo_push, slug, to=to, dry_run=dry_run)
        _show_report(run, report, is_dry_run=dry_run, is_all=False)
        if report is not None and not dry_run and report.results[0].outcome in ("pushed", "unchanged"):
            run.note("paused", f"`tracker playlists resume {slug}` keeps it up to date again")
        _refresh(run, dry_run=dry_run)
    return run.state


@step_task("undo a push", is_repeatable=False)
def undo_push(slug: str, *, to: int | None, dry_run: bool) -> PushReport:
    """Bring back an earlier order of uris."""
    with open_session() as session:
        result = undo(session, slug, to=to, dry_run=dry_run)
        return PushReport((result,), session.spotify.calls_made)


def push_step(
    run: Run, slugs: Sequence[str] | None = None, *, dry_run: bool = False, force: bool = False
) -> None:
    """Push as a step of a run: artifacts for each playlist, and the run's end says which did not go."""
    report = run.step("push", push_playlists, slugs, dry_run=dry_run, force=force)
    _show_report(run, report, is_dry_run=dry_run, is_all=slugs is None)


def _refresh(run: Run, *, dry_run: bool) -> None:
    if not dry_run:
        run.step("pages", refresh_pages, Which.PLAYLISTS)


def _show_report(run: Run, report: PushReport | None, *, is_dry_run: bool, is_all: bool) -> None:
    if report is None:
        return
    diffs.show_pushes(run.database, report.results, is_dry_run=is_dry_run, is_all=is_all)
    for result in report.results:
        why = diffs.reasons(result)
        if result.is_failure:
            run.failed[result.slug] = why or result.outcome
        elif result.outcome == "deferred":
            run.deferred[result.slug] = why
