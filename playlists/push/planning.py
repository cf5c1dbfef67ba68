"""The first step of a push: what each playlist holds, what it shall hold, and the calls in between."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.block import MAX_TRACKS
from playlists.playlist_types import Plan, PlaylistState, Refusal
from playlists.push import guards, record
from playlists.push.edit_script import edit_script
from playlists.push.reads import read_entries, snapshot_of
from playlists.selections import read_facts, read_selections
from profiles.clock import as_of
from profiles.errors import AuthorizationLost, Deferred, InputError, SpotifyError, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from playlists.playlist_types import Facts, Listing, PlaylistEntry, Selection
    from profiles.session import Session

FULL_READ_DAYS = 7
"""Our own record is trusted for so long; then all entries are read again."""
LISTING_GOOD_FOR_S = 30.0
"""A snapshot in an older listing is asked for again before our own record is trusted."""


class UnknownPlaylistError(InputError):
    """A slug that no playlist has (exit status 2)."""


@dataclass(frozen=True, slots=True)
class PushInput:
    """What the database knows at the beginning of a push, read once for all of its playlists."""

    slugs: tuple[str, ...]
    """The playlists to be pushed, in this order."""
    selections: Mapping[str, Selection]
    invalid: Mapping[str, InputError]
    """Why a playlist has no selection that can be used."""
    states: Mapping[str, PlaylistState]
    facts: Facts

    @property
    def untested(self) -> list[str]:
        """Slugs of the enabled playlists that no test has looked at since they were built."""
        return [
            slug
            for slug in self.slugs
            if (selection := self.selections.get(slug)) is not None
            and self.state_of(slug).is_enabled(selection.block.enabled)
            and guards.is_untested(selection, self.facts)
        ]

    def state_of(self, slug: str) -> PlaylistState:
        """Return its row of the registry, or the one that a new playlist begins with."""
        title = self.selections[slug].block.title if slug in self.selections else slug
        return self.states.get(slug) or PlaylistState(slug, None, title)


def read_input(session: Session, slugs: Sequence[str] | None) -> PushInput:
    """Read what the database knows of the named playlists, else of all that are enabled or exist on Spotify.

    Raises NothingBuiltError, and UnknownPlaylistError for a slug that no playlist has.
    """
    selections, invalid = read_selections(session.database)
    states = records.read_states(session.database)
    everything = [*invalid, *selections]
    unknown = [slug for slug in slugs or () if slug not in everything]
    if unknown:
        raise UnknownPlaylistError(
            f"No playlist is called {', '.join(unknown)}.",
            remedy=f"Known are {', '.join(sorted(everything)) or 'none yet'}.",
        )
    facts = read_facts(session.database, selections, as_of(session.settings))
    given = PushInput((), selections, invalid, states, facts)
    wanted = [slug for slug in everything if (_is_included(given, slug) if slugs is None else slug in slugs)]
    return replace(given, slugs=tuple(wanted))


def plan_playlist(
    session: Session,
    given: PushInput,
    listing: Listing,
    slug: str,
    *,
    is_recorded: bool = True,
    looks_at_paused: bool = False,
) -> Plan:
    """Plan one playlist, unchecked. Writes nothing to Spotify.

    A paused playlist costs no call, and nothing is known of it; with `looks_at_paused` its plan shows what
    it holds and what a push would change if it were resumed.

    Where it cannot be read, its outcome is ``failed``, or ``deferred`` by a quota. What was read and differs
    from our record is recorded where `is_recorded`, so that the history and the next plan know of it. Raises
    what ends the whole run: AuthorizationLost, WrongAccount.
    """
    state, selection = given.state_of(slug), given.selections.get(slug)
    if selection is None:
        return _failed_plan(state, None, given.invalid[slug])
    block = selection.block
    plan = Plan(
        slug,
        block.title,
        selection,
        state,
        "planned",
        wanted=selection.uris,
        mode=block.mode,
        max_edit_calls=block.max_edit_calls,
    )
    is_paused = not state.is_enabled(block.enabled)
    if is_paused and (state.playlist_id is None or not looks_at_paused):
        return replace(plan, outcome="paused")
    try:
        plan = replace(plan, state=registry.locate(session, state, listing))
        if plan.state.state != "deleted_on_spotify":
            plan = with_entries(session, plan, listing, is_recorded=is_recorded)
    except (AuthorizationLost, WrongAccount):
        raise
    except Deferred as error:
        return replace(plan, outcome="deferred", deferred=error)
    except SpotifyError as error:
        return _failed_plan(state, selection, error)
    if plan.state.state == "deleted_on_spotify":
        return replace(plan, outcome="deleted_on_spotify")
    plan = _with_wanted(session, plan, selection)
    return _paused(plan) if is_paused else plan


def _paused(plan: Plan) -> Plan:
    note = f"It is paused: it stays as it is until `tracker playlists resume {plan.slug}`."
    return replace(plan, outcome="paused", notes=(*plan.notes, note))


def with_entries(session: Session, plan: Plan, listing: Listing, *, is_recorded: bool = True) -> Plan:
    """Add the entries that the playlist holds: our own record while Spotify shows our snapshot, else read."""
    state, slug = plan.state, plan.slug
    if state.playlist_id is None:
        return replace(plan, basis="new")
    listed = listing.playlists.get(state.playlist_id)
    plan = replace(plan, owner_id=listed.owner_id if listed else None)
    recorded = record.last_entries(session.database, slug, state.playlist_id)
    plan = replace(plan, is_full_read_due=_is_old(state.full_read_at))
    if recorded is not None and not plan.is_full_read_due and _shows_our_snapshot(session, state, listing):
        return replace(plan, current=recorded, basis="record", snapshot_id=state.snapshot_id)
    found = read_entries(session.spotify, state.playlist_id)
    if is_recorded and recorded is not None and _uris(recorded) == _uris(found.entries):
        records.confirm_snapshot(session.database, slug, found.snapshot_id)
    elif is_recorded:
        record.record_observation(
            session.database,
            slug,
            state.playlist_id,
            found.entries,
            snapshot_id=found.snapshot_id,
            reason="found on Spotify" if recorded is None else "edited on Spotify",
        )
    return replace(plan, current=found.entries, basis="read", snapshot_id=found.snapshot_id)


def _with_wanted(session: Session, plan: Plan, selection: Selection) -> Plan:
    """Add the wanted uris, without those that Spotify refused lately, and the changes."""
    refused = record.refused_lately(session.database, selection.uris)
    stuck = [entry.uri for entry in plan.current if entry.is_refused]
    plan = replace(
        plan,
        wanted=tuple(uri for uri in selection.uris if uri not in refused),
        notes=(
            *(f"Spotify refuses {uri}; it is left out." for uri in sorted(refused)),
            *(f"Spotify does not remove {uri}; it stays, at the end." for uri in stuck),
        ),
    )
    is_frozen = plan.mode == "freeze" and not plan.is_new
    if is_frozen and record.was_filled(session.database, plan.slug, plan.state.playlist_id):
        return replace(plan, outcome="unchanged", notes=(*plan.notes, "It is frozen: filled once."))
    return with_changes(plan, selection)


def with_changes(plan: Plan, selection: Selection) -> Plan:
    """Add the changes: the edit script, and the name, description or visibility that differ. Pure."""
    block, state = selection.block, plan.state
    script = edit_script(plan.current, plan.wanted, mode=plan.mode, max_edit_calls=plan.max_edit_calls)
    about = block.description or registry.ABOUT
    notes = plan.notes
    if script.left_out:
        notes += (f"{len(script.left_out)} tracks beyond the {MAX_TRACKS:,} of a playlist are left out.",)
    plan = replace(
        plan,
        script=script,
        rename_to=block.title if not plan.is_new and state.name != block.title else None,
        describe_as=about if state.description not in (None, about) else None,
        publish_as=block.public if not plan.is_new and block.public != bool(state.asked_public) else None,
        notes=notes,
    )
    return plan if plan.write_calls else replace(plan, outcome="unchanged")


def _is_included(given: PushInput, slug: str) -> bool:
    """Whether a push of all playlists includes this one; one that is off and was never made is skipped."""
    state, selection = given.state_of(slug), given.selections.get(slug)
    return selection is None or state.playlist_id is not None or state.is_enabled(selection.block.enabled)


def _failed_plan(state: PlaylistState, selection: Selection | None, error: InputError | SpotifyError) -> Plan:
    refusal = Refusal("readable", str(error), error.remedy)
    name = selection.block.title if selection else state.name or state.slug
    return Plan(state.slug, name, selection, state, "failed", refusals=(refusal,))


def _shows_our_snapshot(session: Session, state: PlaylistState, listing: Listing) -> bool:
    """Whether Spotify shows the snapshot that our last push left, or that we read last."""
    listed = listing.playlists.get(state.playlist_id or "")
    if listed is None or state.snapshot_id is None or listed.snapshot_id != state.snapshot_id:
        return False
    if time.monotonic() - listing.read_at < LISTING_GOOD_FOR_S:
        return True
    return snapshot_of(session.spotify, listed.playlist_id) == state.snapshot_id


def _uris(entries: Sequence[PlaylistEntry]) -> list[str | None]:
    return [entry.uri for entry in entries]


def _is_old(read_at: datetime | None) -> bool:
    return read_at is None or datetime.now(UTC) - read_at > timedelta(days=FULL_READ_DAYS)
