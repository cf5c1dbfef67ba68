"""Albums of more than fifty tracks: the listing embeds the first fifty, the others come page by page."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.loading.clean import clean
from extract.loading.whole_view import PAGE_SIZE
from profiles.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from profiles.spotify.client import SpotifyClient

logger = logging.getLogger(__name__)


@dataclass
class AlbumCompleter:
    """Adds the later tracks to listed albums.

    They are asked for where an album is new or its first fifty tracks changed, with `refetch` for every album
    that is not in `completed`. `incomplete` are the ids of albums whose later tracks Spotify did not give.
    """

    spotify: SpotifyClient
    refetch: bool = False
    completed: set[str] = field(default_factory=set)
    incomplete: list[str] = field(default_factory=list)

    def complete(self, item: dict[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the listed item {added_at, album} with all tracks in `album.tracks.items`.

        Stored later tracks are used again where they still fit: ten long albums would otherwise cost ten
        calls in every sync.
        """
        album = item["album"]
        tracks = album.get("tracks")
        if not isinstance(tracks, dict):
            return item
        embedded = tracks.get("items") or []
        total = tracks.get("total") or album.get("total_tracks") or 0
        if len(embedded) >= total:
            return item
        is_due = self.refetch and album["id"] not in self.completed
        later = None if is_due else _stored_later_tracks(stored, embedded, total)
        if later is None:
            later = self._read_later_tracks(album["id"], len(embedded), total)
        all_tracks = {**tracks, "items": [*embedded, *later]}
        if len(all_tracks["items"]) == total:
            all_tracks["next"] = None
        return {**item, "album": {**album, "tracks": all_tracks}}

    def _read_later_tracks(self, album_id: str, offset: int, total: int) -> list[Any]:
        later: list[Any] = []
        try:
            for page in self.spotify.pages(f"albums/{album_id}/tracks", limit=PAGE_SIZE, offset=offset):
                later.extend(clean(page.items))
        except (NotFound, BadRequest) as error:
            # one album without an address of its own must not stop the others
            logger.warning("album %s: its tracks after %d cannot be read: %s", album_id, offset, error)
        if offset + len(later) == total:
            self.completed.add(album_id)
        else:
            self.incomplete.append(album_id)
        return later


def _stored_later_tracks(
    stored: Mapping[str, Any] | None, embedded: list[Any], total: int
) -> list[Any] | None:
    """The later tracks that are stored, where the first tracks and the total are still the same."""
    tracks = ((stored or {}).get("album") or {}).get("tracks") or {}
    items = tracks.get("items") or []
    if len(items) != total or items[: len(embedded)] != embedded:
        return None
    return list(items[len(embedded) :])
