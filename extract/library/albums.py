"""Albums of more than fifty tracks: the listing embeds the first fifty, the rest comes page by page."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.loading.clean import clean
from profiles.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from profiles.session import Session

logger = logging.getLogger(__name__)


@dataclass
class AlbumCompleter:
    """Makes the tracks of listed albums whole.

    `completed` are the ids that need not be asked for `again`, `incomplete` those whose rest Spotify would
    not give.
    """

    session: Session
    again: bool = False
    completed: set[str] = field(default_factory=set)
    incomplete: list[str] = field(default_factory=list)

    def __call__(self, item: dict[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the listed item {added_at, album} with all tracks in `album.tracks.items`.

        The stored tracks are used again where the embedded ones and the total are still the same (unless
        `again`): ten long albums would otherwise cost ten calls in every sync.
        """
        album = item["album"]
        tracks = album.get("tracks")
        if not isinstance(tracks, dict):
            return item
        embedded = tracks.get("items") or []
        total = tracks.get("total") or album.get("total_tracks") or 0
        if len(embedded) >= total:
            return item
        is_due = self.again and album["id"] not in self.completed
        rest = None if is_due else _rest_of_stored(stored, embedded, total)
        if rest is None:
            rest = self._ask(album["id"], len(embedded), total)
        whole = {**tracks, "items": [*embedded, *rest]}
        if len(whole["items"]) == total:
            whole["next"] = None
        return {**item, "album": {**album, "tracks": whole}}

    def _ask(self, album_id: str, offset: int, total: int) -> list[Any]:
        rest: list[Any] = []
        try:
            for page in self.session.spotify.pages(f"albums/{album_id}/tracks", limit=50, offset=offset):
                rest.extend(clean(page.items))
        except (NotFound, BadRequest) as error:
            # one album that its own address does not know must not stop the others
            logger.warning("album %s: its tracks after %d cannot be read: %s", album_id, offset, error)
        if offset + len(rest) == total:
            self.completed.add(album_id)
        else:
            self.incomplete.append(album_id)
        return rest


def _rest_of_stored(stored: Mapping[str, Any] | None, embedded: list[Any], total: int) -> list[Any] | None:
    tracks = ((stored or {}).get("album") or {}).get("tracks") or {}
    items = tracks.get("items") or []
    if len(items) != total or items[: len(embedded)] != embedded:
        return None
    return list(items[len(embedded) :])
