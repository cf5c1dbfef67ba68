"""A push in five steps, for one playlist after the other: plan → check → apply → verify → record.

A playlist that fails does so alone: its error is kept in the registry, its rule and its mapping stay, and the
others go on.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.listing import read_listing
from playlists.playlist_types import NOTHING_LISTED, PushResult
from playlists.push.apply import PlaylistEditor
from playlists.push.guards import refusals
from playlists.push.planning import plan_playlist, read_input, with_changes, with_entries
from playlists.push.record import fail_push, finish_push, record_observation, start_push, write_refused
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

    from playlists.playlist_types import Facts, Plan, Selection
    from playlists.push.apply import Progress
    from profiles.session import Session

    Tester = Callable[[Sequence[str]], object]

logger = logging.getLogger(__name__)

LOCK = "push"
"""Name of the advisory lock: one push at a time."""


def push_all(
    session: Session,
    slugs: Sequence[str] | None = None,
    *,
    dry_run: bool = False,
    force: bool = False,
    reason: str = "push",
    tester: Tester | None = None,
    progress: Progress | None = None,
) -> list[PushResult]:
    """Bring the named playlists, else all enabled ones, in line with their selections.

    `tester` runs the dbt tests of the given slugs; it is called for selections that nobody has tested since
    they were built. With `dry_run` nothing is written to Spotify. A quota stop ends the rest as ``deferred``.
    Raises UnknownPlaylistError, NothingBuiltError, AuthorizationLost, WrongAccount, and what the listing
    raises.
    """
    with advisory_lock(session.database, LOCK, wait=True):
        given = read_input(session, slugs)
        if tester is not None and given.untested:
            tester(given.untested)
            given = read_input(session, slugs)
        listing = read_listing(session.spotify)
        results: list[PushResult] = []
        quota: Deferred | None = None
        for slug in given.slugs:
            calls_before = session.spotify.calls_made
            plan = check(plan_playlist(session, given, listing, slug), given.facts, force=force)
            if plan.outcome == "planned" and quota is not None:
                plan = replace(plan, outcome="deferred", deferred=quota)
            if plan.outcome == "planned" and not dry_run:
                result = carry_out(session, plan, reason=reason, progress=progress)
            else:
                result = result_of(plan)
            if not dry_run:
                record_standing(session, result)
            quota = quota or result.deferred
            results.append(replace(result, calls=session.spotify.calls_made - calls_before))
    return results


def plan_pushes(session: Session, slugs: Sequence[str] | None = None, *, force: bool = False) -> list[Plan]:
    """Plan and check the named playlists, else all that are enabled, as a push would.

    One listing, and entries only where they have to be read; those of a paused playlist where it is named.
    Writes nothing to Spotify. A playlist that cannot be planned fails alone. Raises UnknownPlaylistError,
    NothingBuiltError, Deferred, and what the listing raises: without it nothing is known, and nothing is
    concluded.
    """
    with advisory_lock(session.database, LOCK, wait=False) as is_held:
        given = read_input(session, slugs)
        listing = read_listing(session.spotify)
        # what is read while another process pushes is in between: no record of it
        plans = [
            plan_playlist(
                session, given, listing, slug, is_recorded=is_held, looks_at_paused=slugs is not None
            )
            for slug in given.slugs
        ]
    for plan in plans:
        if plan.deferred is not None:
            raise plan.deferred
    return [check(plan, given.facts, force=force) for plan in plans]


def check(plan: Plan, facts: Facts, *, force: bool = False) -> Plan:
    """Ask the guards: a plan stays ``planned``, or it is ``refused``, or the playlist is ``kept``. Pure."""
    if plan.outcome != "planned":
        return plan
    against = refusals(plan, facts, force=force)
    if not against:
        return plan
    is_failure = any(refusal.is_failure for refusal in against)
    return replace(plan, outcome="refused" if is_failure else "kept", refusals=against)


def carry_out(
    session: Session, plan: Plan, *, reason: str, undo_of: int | None = None, progress: Progress | None = None
) -> PushResult:
    """Apply a checked plan, verify it and record it. The caller holds the lock.

    What goes wrong with this playlist is its result. Raises what ends the whole run: AuthorizationLost,
    WrongAccount.
    """
    calls_before = session.spotify.calls_made
    try:
        plan = _ready(session, plan)
        if plan.script.is_empty:
            return result_of(replace(plan, outcome="pushed"))
        push_id = start_push(session.database, plan, reason=reason, undo_of=undo_of)
        editor = PlaylistEditor.of(session, plan, progress)
        try:
            apply(editor, plan)
            verify(editor, plan)
        except TrackerError as error:
            calls = session.spotify.calls_made - calls_before
            _record_failure(session, editor, push_id, error, calls=calls)
            raise
        return record(session, plan, editor, push_id, calls=session.spotify.calls_made - calls_before)
    except (AuthorizationLost, WrongAccount):
        raise
    except Deferred as error:
        return result_of(replace(plan, outcome="deferred", deferred=error))
    except SpotifyError as error:
        logger.error("'%s' was not pushed: %s", plan.slug, error)  # noqa: TRY400  the message says it all
        return replace(result_of(plan), outcome="failed", error=str(error))


def apply(editor: PlaylistEditor, plan: Plan) -> None:
    """Make the planned calls. Raises SpotifyError, Deferred."""
    editor.apply(plan.script)


def verify(editor: PlaylistEditor, plan: Plan) -> None:
    """Compare with Spotify, and edit again what is not as planned. Raises SpotifyError, Deferred."""
    editor.verify(read_all=plan.is_full_read_due)


def record(session: Session, plan: Plan, editor: PlaylistEditor, push_id: int, *, calls: int) -> PushResult:
    """Record what the playlist holds now, and what Spotify refused; return the plan as it went."""
    write_refused(session.database, editor.dropped)
    finish_push(
        session.database,
        push_id,
        plan.slug,
        editor.entries,
        snapshot_id=editor.snapshot_id,
        operations=editor.operations,
        calls=calls,
        is_all_read=editor.is_all_read,
    )
    dropped, stuck = editor.dropped, editor.stuck
    refused = {*dropped, *stuck}
    script = replace(
        plan.script,
        added=tuple(uri for uri in plan.script.added if uri not in refused),
        removed=tuple(uri for uri in plan.script.removed if uri not in refused),
    )
    done = replace(
        plan,
        outcome="pushed",
        script=script,
        wanted=tuple(uri for uri in plan.wanted if uri not in dropped),
        notes=(
            *plan.notes,
            *(f"Spotify refuses {uri}; it is left out." for uri in dropped),
            *(f"Spotify does not remove {uri}; it stays, at the end." for uri in stuck),
        ),
    )
    return replace(result_of(done), push_id=push_id, dropped=tuple(dropped))


def record_standing(session: Session, result: PushResult) -> None:
    """Keep in the registry why a playlist is not kept up to date, and forget it when that is over."""
    failures = [refusal for refusal in result.plan.refusals if refusal.is_failure]
    reason = result.error or " ".join(f"{refusal.reason} {refusal.remedy}" for refusal in failures)
    if result.is_failure:
        records.write_state(session.database, result.slug, "failing", reason)
    elif result.plan.state.state == "failing" and result.outcome in ("pushed", "unchanged", "kept"):
        records.write_state(session.database, result.slug, "active", None)


def result_of(plan: Plan) -> PushResult:
    """A plan as the result of a run, with what stands against it."""
    return PushResult(
        plan.slug,
        plan.outcome,
        plan,
        plan.state.playlist_id,
        notes=plan.notes,
        error=str(plan.deferred) if plan.deferred else None,
        deferred=plan.deferred,
    )


def _ready(session: Session, plan: Plan) -> Plan:
    """The plan for a playlist that exists, with the name and the description that the block gives it."""
    if plan.is_new and plan.selection is not None:
        plan = _with_playlist(session, plan, plan.selection)
    if plan.new_details:
        registry.write_details(session, plan.state, plan.new_details)
        return replace(plan, snapshot_id=None)
    return plan


def _with_playlist(session: Session, plan: Plan, selection: Selection) -> Plan:
    """The plan with its playlist made. One that turns up instead was made by a run that lost the answer."""
    about = selection.block.description or registry.ABOUT
    created = registry.create(session, plan.slug, plan.name, about=about, public=selection.block.public)
    state = replace(plan.state, playlist_id=created.playlist_id, name=plan.name)
    plan = replace(plan, state=state, snapshot_id=created.snapshot_id)
    if created.was_found:
        return with_changes(with_entries(session, plan, NOTHING_LISTED), selection)
    if plan.script.is_empty and created.snapshot_id is not None:
        record_observation(
            session.database,
            plan.slug,
            created.playlist_id,
            (),
            snapshot_id=created.snapshot_id,
            reason="created, nothing selected",
        )
    return plan


def _record_failure(
    session: Session, editor: PlaylistEditor, push_id: int, error: TrackerError, *, calls: int
) -> None:
    fail_push(session.database, push_id, str(error), calls)
    if not isinstance(error, BadRequest | NotFound):  # where it refuses everything, no uri is to blame
        write_refused(session.database, editor.dropped)
