"""The exclusions playlist, and the user's playlists that rules look into: Spotify → raw_spotify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extract.playlists import sync_playlists, watched_playlists
from playlists import exclusions, records
from playlists.rules.referenced_playlists import playlists_read
from playlists.slugs import EXCLUSIONS

if TYPE_CHECKING:
    from extract.report import LoadReport
    from profiles.session import Session


def load_exclusions(session: Session) -> LoadReport:
    """Bring the list of playlists, and the entries of those that are looked into, in line with Spotify.

    The exclusions playlist is made first where there has never been one.
    """
    known = records.read_states(session.database).get(EXCLUSIONS)
    if known is None or known.playlist_id is None:
        exclusions.ensure_exclusions(session)
    wanted = [*watched_playlists(session), *playlists_read(session.database)]
    return sync_playlists(session, dict.fromkeys(wanted))
