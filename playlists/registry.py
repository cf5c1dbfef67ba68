"""Which Spotify playlist a slug is: made once, found again, never made twice, never deleted.

A playlist of ours carries a marker with this installation's id in its description. So one whose mapping was
lost, or whose creation was never confirmed, is adopted instead of made again.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playlists import records
from playlists.playlist_types import Listing, PlaylistState
from playlists.push.reads import is_in_library, read_listing
from profiles.errors import SpotifyUnavailable

if TYPE_CHECKING:
    from playlists.push.apply import Waits
    from profiles.session import Session

logger = logging.getLogger(__name__)

EXCLUSIONS = "exclusions"
"""Slug and name of the playlist of what must never appear in a smart playlist."""
ABOUT_EXCLUSIONS = "What is dragged in here stays out of every smart playlist."
ABOUT = "Kept by spotify-tracker from your own listening."
"""Of playlists that have no description of their own."""
ATTEMPTS = 3


def marker_of(installation_id: str, slug: str) -> str:
    """The mark in a description. Letters, digits, - and _ alone: Spotify escapes the rest."""
    return f"tracker-{installation_id}-{slug}-"


def marked(about: str, installation_id: str, slug: str) -> str:
    """What a playlist of ours says about itself, the mark at its end."""
    return f"{about} {marker_of(installation_id, slug)}"


def find_marked(listing: Listing, installation_id: str, slug: str, user_id: str | None) -> list[str]:
    """Ids of the account's own playlists with the mark of this slug."""
    marker = marker_of(installation_id, slug)
    return [
        listed.playlist_id
        for listed in listing.playlists.values()
        if marker in listed.description and user_id in (None, listed.owner_id)
    ]


def locate(session: Session, state: PlaylistState, listing: Listing) -> PlaylistState:
    """Bring the registry's word on one playlist in line with the listing, without a write to Spotify.

    Adopts a marked playlist whose mapping is lost. One that is absent from a complete listing, and that the
    account no longer keeps, was deleted by the user. Whatever goes wrong, no mapping is taken away.
    """
    if state.playlist_id is None:
        return _adopted(session, state, listing)
    if state.playlist_id in listing.playlists:
        if state.state == "deleted_on_spotify":  # the user took it back
            records.write_state(session.database, state.slug, "active", None)
            return replace(state, state="active", state_reason=None)
        return state
    if state.state == "deleted_on_spotify" or not listing.is_complete:
        return state
    if is_in_library(session.spotify, state.playlist_id):
        return state
    reason = "You deleted it on Spotify."
    records.write_state(session.database, state.slug, "deleted_on_spotify", reason)
    return replace(state, state="deleted_on_spotify", state_reason=reason)


@dataclass(frozen=True, slots=True)
class Created:
    """A playlist that stands on Spotify now. One that was found may have entries."""

    playlist_id: str
    snapshot_id: str | None
    was_found: bool


def create(
    session: Session, slug: str, name: str, *, about: str, public: bool, listing: Listing, waits: Waits
) -> Created:
    """Make a playlist and remember it.

    Creating cannot be repeated blindly: names need not be unique, so a second one would appear. The intent is
    written first; where an answer was lost, then or in an earlier run, the marked playlist is looked for.
    """
    is_second_try = slug in records.read_states(session.database)
    records.write_intent(session.database, slug, name)
    installation_id = records.read_installation_id(session.database)
    payload = {"name": name, "public": public, "description": marked(about, installation_id, slug)}
    created = _find(session, slug, listing, waits, is_look_needed=is_second_try)
    for _ in range(ATTEMPTS):
        if created is not None:
            break
        try:
            answer = session.spotify.post("me/playlists", payload) or {}
            created = Created(str(answer["id"]), answer.get("snapshot_id"), was_found=False)
        except SpotifyUnavailable as error:
            if not error.may_have_been_applied:
                raise
            created = _find(session, slug, listing, waits, is_look_needed=True)
    if created is None:
        raise SpotifyUnavailable(f"Spotify did not make the playlist '{name}'.")
    records.write_mapping(
        session.database,
        slug,
        created.playlist_id,
        name,
        description=None if created.was_found else about,
        asked_public=None if created.was_found else public,
    )
    return created


def write_details(session: Session, state: PlaylistState, changes: dict[str, Any]) -> None:
    """Give a playlist a new ``name``, ``description`` or ``public``, those alone, and remember it."""
    payload = dict(changes)
    if "description" in payload:
        installation_id = records.read_installation_id(session.database)
        payload["description"] = marked(changes["description"], installation_id, state.slug)
    session.spotify.put(f"playlists/{state.playlist_id}", payload, idempotent=True)
    records.write_details(session.database, state.slug, **changes)


def restore(session: Session, state: PlaylistState) -> None:
    """Keep a playlist again that the user deleted: asked for by the user alone."""
    session.spotify.put("me/library", idempotent=True, uris=f"spotify:playlist:{state.playlist_id}")
    records.write_state(session.database, state.slug, "active", None)


def ensure_exclusions(
    session: Session, *, waits: Waits, recreate: bool = False, listing: Listing | None = None
) -> PlaylistState:
    """The exclusions playlist, made once. One that the user deleted is taken back only with `recreate`."""
    listing = listing or read_listing(session.spotify)
    known = records.read_states(session.database).get(EXCLUSIONS)
    state = locate(session, known or PlaylistState(EXCLUSIONS, None, EXCLUSIONS), listing)
    if state.playlist_id is None:
        create(
            session,
            EXCLUSIONS,
            EXCLUSIONS,
            about=ABOUT_EXCLUSIONS,
            public=False,
            listing=listing,
            waits=waits,
        )
    elif state.state == "deleted_on_spotify" and recreate:
        restore(session, state)
    return records.read_states(session.database)[EXCLUSIONS]


def _adopted(session: Session, state: PlaylistState, listing: Listing) -> PlaylistState:
    candidates = find_marked(
        listing,
        records.read_installation_id(session.database),
        state.slug,
        records.read_user_id(session.database),
    )
    taken = {other.playlist_id for other in records.read_states(session.database).values()}
    free = [playlist_id for playlist_id in candidates if playlist_id not in taken]
    if not free:
        return state
    if len(free) > 1:
        logger.warning("'%s' is on Spotify %d times; %s is kept up.", state.slug, len(free), free[0])
    found = listing.playlists[free[0]]
    name, about = found.name, found.description.split(" tracker-")[0]
    records.write_mapping(session.database, state.slug, free[0], name, description=about)
    logger.info("'%s' was found again on Spotify as %s.", state.slug, free[0])
    return replace(state, playlist_id=free[0], name=name, description=about, snapshot_id=None)


def _find(
    session: Session, slug: str, listing: Listing, waits: Waits, *, is_look_needed: bool
) -> Created | None:
    """The marked playlist; looked for twice, with pauses, where one may just have been made."""
    installation_id = records.read_installation_id(session.database)
    user_id = records.read_user_id(session.database)
    found = find_marked(listing, installation_id, slug, user_id)
    for _ in range(2 if is_look_needed else 0):
        if found:
            break
        time.sleep(waits.read_back_s)
        found = find_marked(read_listing(session.spotify), installation_id, slug, user_id)
    return Created(found[0], None, was_found=True) if found else None
