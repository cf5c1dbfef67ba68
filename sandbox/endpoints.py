"""The endpoints: templates, quota families, scopes, and which of them new Development Mode removed.

Source: Spotify's changelog of February 2026 and its reference. Accounting and the scope check read it;
the routes are declared with the same templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LIBRARY_READ: Final = ("user-library-read",)
PLAYLIST_READ: Final = ("playlist-read-private",)
PLAYLIST_WRITE: Final = ("playlist-modify-public", "playlist-modify-private")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call of the API. `scopes`: one of them is needed; none: any token will do."""

    method: str
    template: str
    family: str
    scopes: tuple[str, ...] = ()
    is_removed: bool = False

    @property
    def pattern(self) -> str:
        """The template as a regular expression on the path below /v1."""
        return re.sub(r"\{\w+\}", "[^/]+", self.template)


def _removed(method: str, template: str, family: str, scopes: tuple[str, ...] = ()) -> Endpoint:
    return Endpoint(method, template, family, scopes, is_removed=True)


PRESENT: Final = (
    Endpoint("GET", "/me", "profile"),
    Endpoint("GET", "/me/tracks", "library", LIBRARY_READ),
    Endpoint("GET", "/me/albums", "library", LIBRARY_READ),
    Endpoint("GET", "/me/library/contains", "library"),
    Endpoint("PUT", "/me/library", "library"),
    Endpoint("DELETE", "/me/library", "library"),
    Endpoint("GET", "/me/player/recently-played", "player", ("user-read-recently-played",)),
    Endpoint("GET", "/me/top/{type}", "top", ("user-top-read",)),
    Endpoint("GET", "/me/playlists", "playlists_read", PLAYLIST_READ),
    Endpoint("POST", "/me/playlists", "playlists_write", PLAYLIST_WRITE),
    Endpoint("GET", "/playlists/{id}", "playlists_read"),
    Endpoint("PUT", "/playlists/{id}", "playlists_write", PLAYLIST_WRITE),
    Endpoint("GET", "/playlists/{id}/items", "playlists_read", PLAYLIST_READ),
    Endpoint("POST", "/playlists/{id}/items", "playlists_write", PLAYLIST_WRITE),
    Endpoint("PUT", "/playlists/{id}/items", "playlists_write", PLAYLIST_WRITE),
    Endpoint("DELETE", "/playlists/{id}/items", "playlists_write", PLAYLIST_WRITE),
    Endpoint("GET", "/albums/{id}", "album"),
    Endpoint("GET", "/albums/{id}/tracks", "album"),
    Endpoint("GET", "/tracks/{id}", "track"),
    Endpoint("GET", "/artists/{id}", "artist"),
    Endpoint("GET", "/artists/{id}/albums", "artist_albums"),
)

SAVED_KINDS: Final = ("tracks", "albums", "episodes", "shows", "audiobooks")
FORMER_LIBRARY: Final = tuple(
    _removed(method, f"/me/{kind}{suffix}", "library", (scope,))
    for kind in (*SAVED_KINDS, "following")
    for method, suffix, scope in (
        ("PUT", "", "user-library-modify"),
        ("DELETE", "", "user-library-modify"),
        ("GET", "/contains", "user-library-read"),
    )
)
FORMER_BATCHES: Final = tuple(
    _removed("GET", f"/{kind}", kind.removesuffix("s"))
    for kind in ("tracks", "albums", "artists", "episodes", "shows", "audiobooks", "chapters")
)
FORMER_PLAYLIST_ITEMS: Final = tuple(
    _removed(
        method,
        "/playlists/{id}/tracks",
        "playlists_read" if method == "GET" else "playlists_write",
        PLAYLIST_READ if method == "GET" else PLAYLIST_WRITE,
    )
    for method in ("GET", "POST", "PUT", "DELETE")
)
REMOVED: Final = (
    *FORMER_LIBRARY,
    *FORMER_BATCHES,
    *FORMER_PLAYLIST_ITEMS,
    _removed("PUT", "/playlists/{id}/followers", "playlists_write", PLAYLIST_WRITE),
    _removed("DELETE", "/playlists/{id}/followers", "playlists_write", PLAYLIST_WRITE),
    _removed("GET", "/playlists/{id}/followers/contains", "playlists_read", PLAYLIST_READ),
    _removed("GET", "/users/{id}", "profile"),
    _removed("GET", "/users/{id}/playlists", "playlists_read", PLAYLIST_READ),
    _removed("POST", "/users/{id}/playlists", "playlists_write", PLAYLIST_WRITE),
    _removed("GET", "/artists/{id}/top-tracks", "artist"),
    _removed("GET", "/artists/{id}/related-artists", "artist"),
    _removed("GET", "/browse/new-releases", "album"),
    _removed("GET", "/browse/categories", "browse"),
    _removed("GET", "/browse/categories/{id}", "browse"),
    _removed("GET", "/markets", "browse"),
    _removed("GET", "/recommendations", "browse"),
    _removed("GET", "/audio-features", "track"),
    _removed("GET", "/audio-features/{id}", "track"),
)
ACCOUNTS: Final = (
    Endpoint("GET", "/authorize", "accounts"),
    Endpoint("POST", "/authorize", "accounts"),
    Endpoint("POST", "/api/token", "accounts"),
)


@lru_cache(maxsize=4096)
def find_endpoint(method: str, path: str) -> Endpoint | None:
    """The endpoint of a path below /v1 (`/me/tracks`), or of the accounts service (`/api/token`)."""
    for endpoint in (*PRESENT, *REMOVED, *ACCOUNTS):
        if endpoint.method == method and re.fullmatch(endpoint.pattern, path):
            return endpoint
    return None
