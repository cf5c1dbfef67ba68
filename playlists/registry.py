"""Which Spotify playlist a slug is: it is made once, found again, never made twice and never deleted.

A playlist of ours carries a mark with this installation's id in its description. One whose mapping was lost,
or whose creation was never confirmed, is found by it and adopted.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playlists import records
from playlists.listing import is_in_library, read_listing
from playlists.playlist_types import NOTHING_LISTED, Listing, PlaylistState, WriteDelays
from profiles.errors import SpotifyUnavailable

if TYPE_CHECKING:
    from profiles.session import Session

logger = logging.getLogger(__name__)

ABOUT = "Kept by spotify-tracker from your own listening."
"""Of playlists that have no description of their own."""
CREATION_ATTEMPTS = 3
LOOKS_FOR_A_LOST_ANSWER = 2


def locate(session: Session, state: PlaylistState, listing: Listing) -> PlaylistState:
    """Bring the registry's row of one playlist in line with the listing, without a write to Spotify.

    A playlist with our mark whose mapping is lost is adopted. One that is absent from a complete listing, and
    that the account no longer keeps, was deleted by the user. Whatever goes wrong, no mapping is taken away.
    """
    if state.playlist_id is None:
        return _adopt(session, state, listing)
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
class CreatedPlaylist:
    """A playlist that exists on Spotify now. One that was found may have entries."""

    playlist_id: str
    snapshot_id: str | None
    was_found: bool


def create(
    session: Session, slug: str, name: str, *, about: str, public: bool, listing: Listing = NOTHING_LISTED
) -> CreatedPlaylist:
    """Make a playlist and remember it.

    Creating cannot be repeated blindly: names need not be unique, so a second one would appear. The intent is
    written first; where an answer was lost, now or in an earlier run, the playlist with our mark is looked
    for. Raises SpotifyError.
    """
    was_tried_before = slug in records.read_states(session.database)
    records.write_intent(session.database, slug, name)
    payload = {"name": name, "public": public, "description": _with_mark(session, about, slug)}
    created = _find(session, slug, listing, looks=LOOKS_FOR_A_LOST_ANSWER if was_tried_before else 0)
    for _ in range(CREATION_ATTEMPTS):
        if created is not None:
            break
        try:
            answer = session.spotify.post("me/playlists", payload) or {}
            created = CreatedPlaylist(str(answer["id"]), answer.get("snapshot_id"), was_found=False)
        except SpotifyUnavailable as error:
            if not error.may_have_been_applied:
                raise
            created = _find(session, slug, listing, looks=LOOKS_FOR_A_LOST_ANSWER)
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
        payload["description"] = _with_mark(session, changes["description"], state.slug)
    session.spotify.put(f"playlists/{state.playlist_id}", payload, idempotent=True)
    records.write_details(session.database, state.slug, **changes)


def restore(session: Session, state: PlaylistState) -> None:
    """Keep a playlist again that the user deleted: asked for by the user alone."""
    session.spotify.put("me/library", idempotent=True, uris=f"spotify:playlist:{state.playlist_id}")
    records.write_state(session.database, state.slug, "active", None)


def _adopt(session: Session, state: PlaylistState, listing: Listing) -> PlaylistState:
    """Map a slug without a playlist to the one that bears its mark, where there is one."""
    taken = {other.playlist_id for other in records.read_states(session.database).values()}
    free = [
        playlist_id
        for playlist_id in _ids_with_mark(session, state.slug, listing)
        if playlist_id not in taken
    ]
    if not free:
        return state
    if len(free) > 1:
        logger.warning("'%s' is on Spotify %d times; %s is kept up.", state.slug, len(free), free[0])
    found = listing.playlists[free[0]]
    name, about = found.name, found.description.split(" tracker-")[0]
    records.write_mapping(session.database, state.slug, free[0], name, description=about)
    logger.info("'%s' was found again on Spotify as %s.", state.slug, free[0])
    return replace(state, playlist_id=free[0], name=name, description=about, snapshot_id=None)


def _find(session: Session, slug: str, listing: Listing, *, looks: int) -> CreatedPlaylist | None:
    """Return the playlist with the mark of this slug, or None.

    Where it is not in `listing`, Spotify is asked `looks` times, with a pause before each: a playlist that
    has just been made is listed a little later.
    """
    found = _ids_with_mark(session, slug, listing)
    for _ in range(looks):
        if found:
            break
        time.sleep(WriteDelays.of(session.settings).read_back_s)
        found = _ids_with_mark(session, slug, read_listing(session.spotify))
    return CreatedPlaylist(found[0], None, was_found=True) if found else None


def _ids_with_mark(session: Session, slug: str, listing: Listing) -> list[str]:
    """Ids of the account's own playlists with the mark of this slug."""
    mark = _mark_of(session, slug)
    user_id = records.read_user_id(session.database)
    return [
        listed.playlist_id
        for listed in listing.playlists.values()
        if mark in listed.description and user_id in (None, listed.owner_id)
    ]


def _with_mark(session: Session, about: str, slug: str) -> str:
    """What a playlist of ours says about itself, the mark at its end."""
    return f"{about} {_mark_of(session, slug)}"


def _mark_of(session: Session, slug: str) -> str:
    # letters, digits, - and _ alone: Spotify escapes the rest
    return f"tracker-{records.read_installation_id(session.database)}-{slug}-"
