"""What a push would do: one listing for all playlists, then each against its selection."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.playlist_types import Entry, Listing, Plan, PlaylistState, Refusal, Selection
from playlists.push import guards
from playlists.push.edit_script import edit_script
from playlists.push.reads import read_entries, read_listing
from playlists.selections import read_facts, read_selections
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import AuthorizationLost, Deferred, SettingsError, SpotifyError, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playlists.push.guards import Facts
    from playlists.rules.rule import InvalidBlockError
    from profiles.session import Session

LOCK = "push"
"""Name of the advisory lock: one push at a time."""
FULL_READ_DAYS = 7
"""Our own record is trusted for so long; then all entries are read again."""


class UnknownPlaylistError(SettingsError):
    """A slug that no model has (exit status 2)."""


def plan_pushes(session: Session, slugs: Sequence[str] | None = None, *, force: bool = False) -> list[Plan]:
    """Plan the named playlists, else all that are enabled: one listing, entries read only where needed.

    Writes nothing to Spotify. A playlist that cannot be planned fails alone. Raises UnknownPlaylistError,
    Deferred, and what the listing raises: without it nothing is known, and nothing is concluded.
    """
    with advisory_lock(session.database, LOCK, wait=False) as is_held:
        # what is read while another process pushes is in between: no record of it
        return plan_all(session, slugs, force=force, is_recorded=is_held)


def plan_all(
    session: Session, slugs: Sequence[str] | None, *, force: bool, is_recorded: bool = True
) -> list[Plan]:
    """`plan_pushes` for a caller that holds the lock."""
    selections, invalid = read_selections(session.database)
    states = records.read_states(session.database)
    if slugs is not None:
        _refuse_unknown(slugs, [*selections, *invalid])
    listing = read_listing(session.spotify)
    facts = read_facts(session.database, selections, as_of(session.settings))
    plans = [
        _invalid(states.get(slug) or PlaylistState(slug, None, slug), error)
        for slug, error in invalid.items()
        if slugs is None or slug in slugs
    ]
    for slug, selection in selections.items():
        state = states.get(slug) or PlaylistState(slug, None, selection.block.title)
        if slugs is not None and slug not in slugs:
            continue
        if slugs is None and not state.is_enabled(selection.block.enabled) and state.playlist_id is None:
            continue
        plans.append(
            _plan_or_failure(session, selection, state, listing, facts, force=force, is_recorded=is_recorded)
        )
    return plans


def plan_one(
    session: Session,
    selection: Selection,
    state: PlaylistState,
    listing: Listing,
    facts: Facts,
    *,
    force: bool,
    is_recorded: bool = True,
) -> Plan:
    """Plan one playlist. Raises SpotifyError where it cannot be read."""
    block = selection.block
    if not state.is_enabled(block.enabled):
        return Plan(state.slug, block.title, selection, state, "paused", wanted=selection.uris)
    state = registry.locate(session, state, listing)
    if state.state == "deleted_on_spotify":
        return Plan(state.slug, block.title, selection, state, "deleted_on_spotify", wanted=selection.uris)
    plan = Plan(state.slug, block.title, selection, state, "planned")
    plan = with_entries(session, plan, listing, is_recorded=is_recorded)
    refused = records.refused_lately(session.database, selection.uris)
    wanted = tuple(uri for uri in selection.uris if uri not in refused)
    notes = tuple(f"Spotify refuses {uri}; it is left out." for uri in sorted(refused))
    notes += tuple(
        f"Spotify does not remove {entry.uri}; it stays, at the end."
        for entry in plan.current
        if entry.is_refused
    )
    if (
        block.mode == "freeze"
        and state.playlist_id
        and records.was_filled(session.database, state.slug, state.playlist_id)
    ):
        return replace(plan, wanted=wanted, outcome="unchanged", notes=(*notes, "It is frozen: filled once."))
    about = block.description or registry.ABOUT
    script = edit_script(plan.current, wanted, mode=block.mode, max_edit_calls=block.max_edit_calls)
    plan = replace(
        plan,
        wanted=wanted,
        script=script,
        rename_to=block.title if not plan.is_new and state.name != block.title else None,
        describe_as=about if state.description not in (None, about) else None,
        publish_as=block.public if not plan.is_new and block.public != bool(state.asked_public) else None,
        notes=(*notes, *_losses(script.left_out)),
    )
    if not plan.write_calls:
        return replace(plan, outcome="unchanged")
    against = guards.refusals(plan, facts, force=force)
    listed = listing.playlists.get(state.playlist_id or "")
    if listed is not None and (foreign := guards.ours(listed.owner_id, facts)) is not None:
        against = (foreign, *against)
    if not against:
        return plan
    return replace(
        plan, outcome="refused" if any(each.is_failure for each in against) else "kept", refusals=against
    )


def with_entries(session: Session, plan: Plan, listing: Listing, *, is_recorded: bool = True) -> Plan:
    """Fill in what the playlist holds: from our own record while the listing shows our snapshot, else read.

    What was read and differs from our record is recorded, so that history and the next plan know of it.
    """
    state, slug = plan.state, plan.slug
    planned_at = time.monotonic()
    if state.playlist_id is None:
        return replace(plan, basis="new", planned_at=planned_at)
    known = records.last_entries(session.database, slug, state.playlist_id)
    listed = listing.playlists.get(state.playlist_id)
    is_standing = (
        listed is not None and state.snapshot_id is not None and listed.snapshot_id == state.snapshot_id
    )
    if known is not None and is_standing and not _is_old(state.full_read_at):
        return replace(
            plan,
            current=known,
            basis="record",
            snapshot_id=state.snapshot_id,
            last_push_id=records.last_push_id(session.database, slug),
            planned_at=planned_at,
        )
    calls_before = session.spotify.calls_made
    reading = read_entries(session.spotify, state.playlist_id)
    read_calls = session.spotify.calls_made - calls_before
    if not is_recorded:
        pass
    elif known is not None and _uris(known) == _uris(reading.entries):
        records.write_standing_snapshot(session.database, slug, reading.snapshot_id)
    else:
        reason = "found on Spotify" if known is None else "edited on Spotify"
        records.record_observation(
            session.database,
            slug,
            state.playlist_id,
            reading.entries,
            snapshot_id=reading.snapshot_id,
            reason=reason,
        )
    return replace(
        plan,
        current=reading.entries,
        basis="read",
        snapshot_id=reading.snapshot_id,
        read_calls=read_calls,
        last_push_id=records.last_push_id(session.database, slug),
        planned_at=planned_at,
    )


def again(session: Session, plan: Plan, *, force: bool = False) -> Plan:
    """Plan once more from what the playlist holds now."""
    nothing_listed = Listing({}, is_complete=False)
    if plan.selection is not None:
        selections = {plan.slug: plan.selection}
        facts = read_facts(session.database, selections, as_of(session.settings))
        return plan_one(session, plan.selection, plan.state, nothing_listed, facts, force=force)
    plan = with_entries(session, plan, nothing_listed)
    script = edit_script(plan.current, plan.wanted)
    return replace(plan, script=script, outcome="unchanged" if script.is_empty else "planned")


def is_full_read_due(state: PlaylistState) -> bool:
    """Whether all entries have to be read again, and not only what a push has touched."""
    return state.full_read_at is None or _is_old(state.full_read_at)


def failure(state: PlaylistState, selection: Selection | None, error: Exception) -> Plan:
    """A plan that could not be made, with its error."""
    refusal = Refusal("readable", str(error), getattr(error, "remedy", ""))
    name = selection.block.title if selection else state.name or state.slug
    return Plan(state.slug, name, selection, state, "failed", refusals=(refusal,))


def _plan_or_failure(
    session: Session,
    selection: Selection,
    state: PlaylistState,
    listing: Listing,
    facts: Facts,
    *,
    force: bool,
    is_recorded: bool,
) -> Plan:
    try:
        return plan_one(session, selection, state, listing, facts, force=force, is_recorded=is_recorded)
    except (Deferred, AuthorizationLost, WrongAccount):
        raise
    except SpotifyError as error:
        return failure(state, selection, error)


def _invalid(state: PlaylistState, error: InvalidBlockError) -> Plan:
    return failure(state, None, error)


def _refuse_unknown(slugs: Sequence[str], known: Sequence[str]) -> None:
    unknown = [slug for slug in slugs if slug not in known]
    if unknown:
        raise UnknownPlaylistError(
            f"No playlist is called {', '.join(unknown)}.",
            remedy=f"Known are {', '.join(sorted(known)) or 'none yet'}.",
        )


def _losses(left_out: Sequence[str]) -> list[str]:
    return [f"{len(left_out)} tracks beyond the 10,000 of a playlist are left out."] if left_out else []


def _uris(entries: Sequence[Entry]) -> list[str | None]:
    return [entry.uri for entry in entries]


def _is_old(read_at: datetime | None) -> bool:
    return read_at is not None and datetime.now(UTC) - read_at > timedelta(days=FULL_READ_DAYS)
