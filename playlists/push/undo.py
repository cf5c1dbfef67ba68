"""Take a push back: restore an earlier order of uris, and pause the playlist."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.playlist_types import Plan, PushResult
from playlists.push import planning
from playlists.push.edit_script import edit_script
from playlists.push.push import apply_locked, told
from playlists.push.reads import read_listing
from profiles.database import advisory_lock
from profiles.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playlists.push.apply import Waits
    from playlists.push.push import Progress
    from profiles.session import Session


class NothingToUndoError(SettingsError):
    """No earlier state is known (exit status 2)."""


def undo(
    session: Session,
    slug: str,
    *,
    to: int | None = None,
    dry_run: bool = False,
    waits: Waits | None = None,
    progress: Progress | None = None,
) -> PushResult:
    """Restore an earlier order of uris and pause the playlist, so that the next run does not redo it.

    Without `to` it goes back to before the last push that was not itself taken back, so undo after undo walks
    further back; with it, to what that push left. Entries that come back have new dates. Raises
    NothingToUndoError.
    """
    with advisory_lock(session.database, planning.LOCK, wait=True):
        state = records.read_states(session.database).get(slug)
        if state is None or state.playlist_id is None:
            raise NothingToUndoError(
                f"'{slug}' has never been pushed.", remedy="python -m playlists list shows all playlists."
            )
        wanted, undone = _earlier(records.read_pushes(session.database, slug), slug, to)
        listing = read_listing(session.spotify)
        state = registry.locate(session, state, listing)
        plan = Plan(slug, state.name or slug, None, state, "planned")
        if state.state == "deleted_on_spotify":
            return told(replace(plan, outcome="deleted_on_spotify"))
        plan = planning.with_entries(session, plan, listing)
        refused = records.refused_lately(session.database, wanted)
        asked = tuple(uri for uri in dict.fromkeys(wanted) if uri not in refused)
        script = edit_script(plan.current, asked)
        plan = replace(
            plan, wanted=asked, script=script, outcome="unchanged" if script.is_empty else "planned"
        )
        if dry_run:
            return told(plan)
        records.write_override(
            session.database, slug, plan.name, enabled=False, reason=f"push {undone} was undone"
        )
        return apply_locked(
            session, plan, reason=f"undo of push {undone}", undo_of=undone, waits=waits, progress=progress
        )


def _earlier(pushes: Sequence[records.Push], slug: str, to: int | None) -> tuple[list[str], int]:
    """The uris to go back to, and the push that is thereby undone. `pushes` newest first."""
    done = [push for push in pushes if push.status == "done"]
    if to is not None:
        found = next((push for push in done if push.push_id == to and push.after is not None), None)
        if found is None:
            raise NothingToUndoError(
                f"'{slug}' has no finished push {to}.", remedy=f"See python -m playlists history {slug}."
            )
        entries, undone = found.after or (), next((p.push_id for p in reversed(done) if p.push_id > to), to)
    else:
        last = _last_standing(done)
        if last is None:
            raise NothingToUndoError(f"'{slug}' has no push to undo.")
        entries, undone = last.before, last.push_id
    return [entry.uri for entry in entries if entry.uri is not None and entry.is_removable], undone


def _last_standing(done: Sequence[records.Push]) -> records.Push | None:
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
