"""Take a push back: restore an earlier order of uris, and pause the playlist."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.listing import read_listing
from playlists.playlist_types import Plan, PushRecord, PushResult
from playlists.push.edit_script import edit_script
from playlists.push.planning import with_entries
from playlists.push.push import LOCK, carry_out, record_standing, result_of
from playlists.push.record import read_pushes, refused_lately
from profiles.database import advisory_lock
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playlists.push.apply import Progress
    from profiles.session import Session


class NothingToUndoError(InputError):
    """No earlier state is known (exit status 2)."""


def undo(
    session: Session,
    slug: str,
    *,
    to: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> PushResult:
    """Restore an earlier order of uris and pause the playlist, so that the next run does not repeat the push.

    Without `to` it goes back to before the last push that was not itself taken back, so that one undo after
    another walks further back; with `to` it goes back to what that push left. Entries that come back have new
    dates. Raises NothingToUndoError, and what reading the playlist raises.
    """
    with advisory_lock(session.database, LOCK, wait=True):
        calls_before = session.spotify.calls_made
        plan, undone = _plan(session, slug, to)
        result = result_of(plan)
        if not dry_run and plan.outcome != "deleted_on_spotify":
            records.write_override(
                session.database, slug, plan.name, enabled=False, reason=f"push {undone} was undone"
            )
        if not dry_run and plan.outcome == "planned":
            reason = f"undo of push {undone}"
            result = carry_out(session, plan, reason=reason, undo_of=undone, progress=progress)
            record_standing(session, result)
        return replace(result, calls=session.spotify.calls_made - calls_before)


def _plan(session: Session, slug: str, to: int | None) -> tuple[Plan, int]:
    """The plan that takes a push back, and the number of that push."""
    state = records.read_states(session.database).get(slug)
    if state is None or state.playlist_id is None:
        raise NothingToUndoError(
            f"'{slug}' has never been pushed.", remedy="`tracker playlists list` shows all playlists."
        )
    earlier, undone = _earlier(read_pushes(session.database, slug), slug, to)
    listing = read_listing(session.spotify)
    state = registry.locate(session, state, listing)
    plan = Plan(slug, state.name or slug, None, state, "planned")
    if state.state == "deleted_on_spotify":
        return replace(plan, outcome="deleted_on_spotify"), undone
    plan = with_entries(session, plan, listing)
    refused = refused_lately(session.database, earlier)
    wanted = tuple(uri for uri in dict.fromkeys(earlier) if uri not in refused)
    plan = replace(plan, wanted=wanted, script=edit_script(plan.current, wanted))
    return replace(plan, outcome="unchanged") if plan.script.is_empty else plan, undone


def _earlier(pushes: Sequence[PushRecord], slug: str, to: int | None) -> tuple[list[str], int]:
    """The uris to go back to, and the number of the push that this undoes. `pushes` newest first."""
    done = [push for push in pushes if push.status == "done"]
    if to is not None:
        found = next((push for push in done if push.push_id == to and push.after is not None), None)
        if found is None:
            raise NothingToUndoError(
                f"'{slug}' has no finished push {to}.", remedy=f"See `tracker playlists history {slug}`."
            )
        entries, undone = found.after or (), _first_after(done, to)
    else:
        last = _last_standing(done)
        if last is None:
            raise NothingToUndoError(f"'{slug}' has no push to undo.")
        entries, undone = last.before, last.push_id
    return [entry.uri for entry in entries if entry.uri is not None and entry.is_removable], undone


def _last_standing(done: Sequence[PushRecord]) -> PushRecord | None:
    """The newest push with changes that no undo has taken back. `done` newest first."""
    taken_back_from: int | None = None
    for push in done:
        if taken_back_from is not None and push.push_id >= taken_back_from:
            continue
        if push.undo_of is not None:
            taken_back_from = push.undo_of
        elif push.operations:
            return push
    return None


def _first_after(done: Sequence[PushRecord], push_id: int) -> int:
    """The oldest push after `push_id`, else that one itself. `done` newest first."""
    return next((push.push_id for push in reversed(done) if push.push_id > push_id), push_id)
