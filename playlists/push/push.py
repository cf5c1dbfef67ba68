"""Plan → check → apply → verify → record.

A playlist that fails does so alone: its error is kept in the registry, its rule and its mapping stay, and the
others go on.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.playlist_types import Listing, Plan, PushResult
from playlists.push import guards, planning
from playlists.push.apply import Waits, Work
from playlists.push.planning import plan_pushes
from playlists.push.reads import snapshot_of
from playlists.selections import read_facts, read_selections
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import (
    AuthorizationLost,
    BadRequest,
    Deferred,
    NotFound,
    SpotifyError,
    TrackerError,
    WrongAccount,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from profiles.session import Session

    Progress = Callable[[str, int, int], None]
    Tester = Callable[[Sequence[str]], object]

__all__ = ["apply_plan", "plan_pushes", "push_all"]

logger = logging.getLogger(__name__)

PLAN_GOOD_FOR_S = 30.0
"""A plan older than this is compared with Spotify's snapshot before it is applied."""


def push_all(
    session: Session,
    slugs: Sequence[str] | None = None,
    *,
    dry_run: bool = False,
    force: bool = False,
    reason: str = "push",
    tester: Tester | None = None,
    waits: Waits | None = None,
    progress: Progress | None = None,
) -> list[PushResult]:
    """Bring the named playlists, else all enabled ones, in line with their selections.

    `tester` runs the dbt tests of the given slugs; it is called for selections that nobody has tested since
    they were built. With `dry_run` nothing is written to Spotify. Raises AuthorizationLost and what the
    listing raises; a quota stop ends the rest as ``deferred``.
    """
    with advisory_lock(session.database, planning.LOCK, wait=True):
        if tester is not None:
            _test_untested(session, slugs, tester)
        results: list[PushResult] = []
        deferred: Deferred | None = None
        for plan in planning.plan_all(session, slugs, force=force):
            if deferred is not None and plan.outcome == "planned":
                results.append(
                    PushResult(plan.slug, "deferred", plan, plan.state.playlist_id, error=str(deferred))
                )
                continue
            result = (
                told(plan)
                if dry_run
                else apply_locked(session, plan, reason=reason, force=force, waits=waits, progress=progress)
            )
            if result.outcome == "deferred":
                deferred = result.deferred
            results.append(result)
    return results


def apply_plan(
    session: Session,
    plan: Plan,
    *,
    reason: str,
    force: bool = False,
    waits: Waits | None = None,
    progress: Progress | None = None,
) -> PushResult:
    """Apply one plan, verify it, record it. Never raises for one playlist's trouble, but for a lost login."""
    with advisory_lock(session.database, planning.LOCK, wait=True):
        return apply_locked(session, plan, reason=reason, force=force, waits=waits, progress=progress)


def apply_locked(
    session: Session,
    plan: Plan,
    *,
    reason: str,
    force: bool = False,
    undo_of: int | None = None,
    waits: Waits | None = None,
    progress: Progress | None = None,
) -> PushResult:
    """`apply_plan` for a caller that holds the lock."""
    calls_before = session.spotify.calls_made
    waits = waits or Waits.of(session.settings)
    try:
        plan = _still_valid(session, plan, force=force)
        if plan.outcome != "planned":
            _remember(session, plan)
            return told(plan)
        result = _apply(session, plan, reason=reason, undo_of=undo_of, waits=waits, progress=progress)
    except (AuthorizationLost, WrongAccount):
        raise
    except Deferred as error:
        result = PushResult(
            plan.slug, "deferred", plan, plan.state.playlist_id, error=str(error), deferred=error
        )
    except SpotifyError as error:
        logger.error("'%s' was not pushed: %s", plan.slug, error)  # noqa: TRY400  the message says it all
        records.write_state(session.database, plan.slug, "failing", str(error))
        result = PushResult(plan.slug, "failed", plan, plan.state.playlist_id, error=str(error))
    return replace(result, calls=session.spotify.calls_made - calls_before + plan.read_calls)


def _apply(
    session: Session,
    plan: Plan,
    *,
    reason: str,
    undo_of: int | None,
    waits: Waits,
    progress: Progress | None,
) -> PushResult:
    database, calls_before = session.database, session.spotify.calls_made
    plan = _detailed(session, _with_playlist(session, plan, waits))
    playlist_id = plan.state.playlist_id
    if playlist_id is None:
        raise AssertionError("a playlist is made before it is filled")
    if plan.script.is_empty:
        if plan.state.state == "failing":
            records.write_state(database, plan.slug, "active", None)
        return PushResult(plan.slug, "pushed", plan, playlist_id, notes=plan.notes)
    push_id = records.start_push(database, plan, playlist_id, reason=reason, undo_of=undo_of)
    work = Work(
        session.spotify,
        playlist_id,
        list(plan.current),
        plan.snapshot_id,
        waits,
        progress=lambda done, total: progress(plan.slug, done, total) if progress else None,
    )
    block = plan.selection.block if plan.selection else None
    try:
        work.run(
            plan.script,
            plan.wanted,
            mode=block.mode if block else "mirror",
            max_edit_calls=block.max_edit_calls if block else 25,
            whole=planning.is_full_read_due(plan.state),
        )
    except TrackerError as error:
        records.fail_push(database, push_id, str(error), session.spotify.calls_made - calls_before)
        if not isinstance(error, BadRequest | NotFound):  # where it refuses everything, no uri is to blame
            records.write_refused(database, work.dropped)
        raise
    records.write_refused(database, work.dropped)
    records.finish_push(
        database,
        push_id,
        plan.slug,
        work.entries,
        snapshot_id=work.snapshot_id,
        operations=work.operations,
        calls=session.spotify.calls_made - calls_before,
        all_read=work.is_whole,
    )
    notes = (
        *plan.notes,
        *(f"Spotify refuses {uri}; it is left out." for uri in work.dropped),
        *(f"Spotify does not remove {uri}; it stays, at the end." for uri in work.stuck),
    )
    plan = _as_it_went(plan, work)
    return PushResult(
        plan.slug, "pushed", plan, playlist_id, push_id, dropped=tuple(work.dropped), notes=notes
    )


def _as_it_went(plan: Plan, work: Work) -> Plan:
    """The plan without what Spotify refused, so that no report counts it as done."""
    refused = {*work.dropped, *work.stuck}
    script = replace(
        plan.script,
        added=tuple(uri for uri in plan.script.added if uri not in refused),
        removed=tuple(uri for uri in plan.script.removed if uri not in refused),
    )
    return replace(plan, script=script, wanted=tuple(uri for uri in plan.wanted if uri not in work.dropped))


def _with_playlist(session: Session, plan: Plan, waits: Waits) -> Plan:
    """The plan for a playlist that exists: a new one is made, one that turns up instead is planned again."""
    if plan.state.playlist_id is not None or plan.selection is None:
        return plan
    nothing_listed = Listing({}, is_complete=False)
    created = registry.create(
        session,
        plan.slug,
        plan.name,
        about=plan.selection.block.description or registry.ABOUT,
        public=plan.selection.block.public,
        listing=nothing_listed,
        waits=waits,
    )
    plan = replace(plan, state=replace(plan.state, playlist_id=created.playlist_id, name=plan.name))
    if created.was_found:
        return planning.again(session, plan)
    if plan.script.is_empty and created.snapshot_id is not None:
        records.record_observation(
            session.database,
            plan.slug,
            created.playlist_id,
            (),
            snapshot_id=created.snapshot_id,
            reason="created, nothing selected",
        )
    return replace(plan, snapshot_id=created.snapshot_id)


def _detailed(session: Session, plan: Plan) -> Plan:
    """The plan, with name, description and publicity brought up to date where ours have changed."""
    if not plan.new_details:
        return plan
    registry.write_details(session, plan.state, plan.new_details)
    return replace(plan, snapshot_id=None)


def _still_valid(session: Session, plan: Plan, *, force: bool) -> Plan:
    """The plan, made again where another push came first, or where the playlist has changed since."""
    if plan.outcome != "planned" or plan.state.playlist_id is None:
        return plan
    is_last = records.last_push_id(session.database, plan.slug) == plan.last_push_id
    is_fresh = time.monotonic() - plan.planned_at < PLAN_GOOD_FOR_S
    if is_last and (is_fresh or snapshot_of(session.spotify, plan.state.playlist_id) == plan.snapshot_id):
        return plan
    return planning.again(session, plan, force=force)


def _remember(session: Session, plan: Plan) -> None:
    """Show in the registry why a playlist is not kept up to date, and when that is over."""
    failures = [refusal for refusal in plan.refusals if refusal.is_failure]
    if failures:
        reason = " ".join(f"{refusal.reason} {refusal.remedy}" for refusal in failures)
        records.write_state(session.database, plan.slug, "failing", reason)
    elif plan.state.state == "failing" and plan.outcome in ("unchanged", "kept"):
        records.write_state(session.database, plan.slug, "active", None)


def told(plan: Plan) -> PushResult:
    """A plan as the result of a run that did not apply it; its refusals say why."""
    return PushResult(
        plan.slug, plan.outcome, plan, plan.state.playlist_id, calls=plan.read_calls, notes=plan.notes
    )


def _test_untested(session: Session, slugs: Sequence[str] | None, tester: Tester) -> None:
    selections, _ = read_selections(session.database)
    states = records.read_states(session.database)
    facts = read_facts(session.database, selections, as_of(session.settings))
    untested = [
        slug
        for slug, selection in selections.items()
        if (slugs is None or slug in slugs)
        and (slug not in states or states[slug].is_enabled(selection.block.enabled))
        and (slug in states or selection.block.enabled)
        and guards.is_untested(selection, facts)
    ]
    if untested:
        tester(untested)
