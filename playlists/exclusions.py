"""The exclusions playlist: what the user drags into it stays out of every smart playlist.

dbt turns its entries into `is_excluded`; here it is only made, and found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playlists import records, registry
from playlists.listing import read_listing
from playlists.playlist_types import PlaylistState
from playlists.slugs import EXCLUSIONS

if TYPE_CHECKING:
    from profiles.session import Session

ABOUT = "What is dragged in here stays out of every smart playlist."


def ensure_exclusions(session: Session, *, is_restored: bool = False) -> PlaylistState:
    """Return the exclusions playlist, made where there has never been one.

    One that the user deleted is taken back only with `is_restored`. Raises SpotifyError, Deferred.
    """
    listing = read_listing(session.spotify)
    known = records.read_states(session.database).get(EXCLUSIONS)
    state = registry.locate(session, known or PlaylistState(EXCLUSIONS, None, EXCLUSIONS), listing)
    if state.playlist_id is None:
        registry.create(session, EXCLUSIONS, EXCLUSIONS, about=ABOUT, public=False, listing=listing)
    elif state.state == "deleted_on_spotify" and is_restored:
        registry.restore(session, state)
    return records.read_states(session.database)[EXCLUSIONS]
