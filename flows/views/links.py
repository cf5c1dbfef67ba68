"""Where Spotify shows what it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spotify:
    """Spotify's pages below `base`, which ends with a slash. None is the address of what has no page."""

    base: str

    def track(self, uri_or_id: str | None) -> str | None:
        """Return where a track is shown; None for local files and what has no id."""
        return self._url("track", uri_or_id)

    def album(self, album_id: str | None) -> str | None:
        """Return where an album is shown."""
        return self._url("album", album_id)

    def artist(self, artist_id: str | None) -> str | None:
        """Return where an artist is shown."""
        return self._url("artist", artist_id)

    def playlist(self, playlist_id: str | None) -> str | None:
        """Return where a playlist is shown."""
        return self._url("playlist", playlist_id)

    def _url(self, kind: str, uri_or_id: str | None) -> str | None:
        found = (uri_or_id or "").removeprefix(f"spotify:{kind}:")
        return f"{self.base}{kind}/{found}" if found.isalnum() else None
