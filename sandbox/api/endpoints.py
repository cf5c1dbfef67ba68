"""The endpoints that Spotify declares, with their quota family, scopes, and whether they were removed.

Source: Spotify's changelog of February 2026 and its reference. The record of calls and the scope check use
this list; the routes have the same templates. An endpoint without a route answers 501.
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
    """One endpoint. A token needs one of `scopes`; without scopes any token will do, or the route decides.

    In new Development Mode an endpoint that `is_removed` answers 403, or 404 if it also `is_unknown`.
    """

    method: str
    template: str
    family: str
    scopes: tuple[str, ...] = ()
    is_removed: bool = False
    is_unknown: bool = False

    @property
    def pattern(self) -> str:
        """The template as a regular expression on the path below /v1."""
        return re.sub(r"\{\w+\}", "[^/]+", self.template)


def _removed(
    method: str, template: str, family: str, scopes: tuple[str, ...] = (), *, is_unknown: bool = False
) -> Endpoint:
    return Endpoint(method, template, family, scopes, is_removed=True, is_unknown=is_unknown)


PRESENT: Final = (
    Endpoint("GET", "/me", "profile"),
    Endpoint("GET", "/me/tracks", "library", LIBRARY_READ),
    Endpoint("GET", "/me/albums", "library", LIBRARY_READ),
    Endpoint("GET", "/me/library/contains", "library"),
    Endpoint("PUT", "/me/library", "library"),
    Endpoint("DELETE", "/me/library", "library"),
    Endpoint("GET", "/me/player/recently-played", "player", ("user-read-recently-played",)),
    Endpoint("GET", "/me/top/{type}", "top", ("user-top-read",)),
    # without a scope it lists public playlists only
    Endpoint("GET", "/me/playlists", "playlists_read"),
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

PLAYBACK_READ: Final = ("user-read-playback-state",)
PLAYBACK_WRITE: Final = ("user-modify-playback-state",)
POSITION_READ: Final = ("user-read-playback-position",)
UNSIMULATED: Final = (
    *(
        Endpoint("GET", f"/me/{kind}", "library", LIBRARY_READ)
        for kind in ("episodes", "shows", "audiobooks")
    ),
    Endpoint("GET", "/me/following", "library", ("user-follow-read",)),
    Endpoint("GET", "/episodes/{id}", "episode", POSITION_READ),
    Endpoint("GET", "/shows/{id}", "show", POSITION_READ),
    Endpoint("GET", "/shows/{id}/episodes", "show", POSITION_READ),
    Endpoint("GET", "/audiobooks/{id}", "audiobook"),
    Endpoint("GET", "/audiobooks/{id}/chapters", "audiobook"),
    Endpoint("GET", "/chapters/{id}", "chapter"),
    Endpoint("GET", "/search", "search"),
    Endpoint("GET", "/playlists/{id}/images", "playlists_read"),
    Endpoint("PUT", "/playlists/{id}/images", "playlists_write", ("ugc-image-upload", *PLAYLIST_WRITE)),
    Endpoint("GET", "/me/player", "player", PLAYBACK_READ),
    Endpoint("PUT", "/me/player", "player", PLAYBACK_WRITE),
    Endpoint("GET", "/me/player/devices", "player", PLAYBACK_READ),
    Endpoint("GET", "/me/player/currently-playing", "player", ("user-read-currently-playing",)),
    Endpoint("GET", "/me/player/queue", "player", (*PLAYBACK_READ, "user-read-currently-playing")),
    *(
        Endpoint(method, f"/me/player/{action}", "player", PLAYBACK_WRITE)
        for method, action in (
            *(("POST", "queue"), ("PUT", "play"), ("PUT", "pause"), ("POST", "next"), ("POST", "previous")),
            *(("PUT", "seek"), ("PUT", "repeat"), ("PUT", "volume"), ("PUT", "shuffle")),
        )
    ),
)

SAVED_KINDS: Final = ("tracks", "albums", "episodes", "shows", "audiobooks")
FORMER_LIBRARY: Final = tuple(
    _removed(method, f"/me/{kind}{suffix}", "library", (f"user-{subject}-{action}",))
    for kind, subject in (*((kind, "library") for kind in SAVED_KINDS), ("following", "follow"))
    for method, suffix, action in (
        ("PUT", "", "modify"),
        ("DELETE", "", "modify"),
        ("GET", "/contains", "read"),
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
    _removed("GET", "/artists/{id}/related-artists", "artist", is_unknown=True),
    _removed("GET", "/browse/new-releases", "album"),
    _removed("GET", "/browse/categories", "browse"),
    _removed("GET", "/browse/categories/{id}", "browse"),
    _removed("GET", "/markets", "browse"),
    _removed("GET", "/browse/featured-playlists", "browse"),
    _removed("GET", "/browse/categories/{id}/playlists", "browse"),
    _removed("GET", "/recommendations", "browse", is_unknown=True),
    _removed("GET", "/recommendations/available-genre-seeds", "browse", is_unknown=True),
    _removed("GET", "/audio-analysis/{id}", "track"),
    _removed("GET", "/audio-features", "track"),
    _removed("GET", "/audio-features/{id}", "track"),
)
ACCOUNTS: Final = (
    Endpoint("GET", "/authorize", "accounts"),
    Endpoint("POST", "/authorize", "accounts"),
    Endpoint("POST", "/api/token", "accounts"),
)


DECLARED: Final = (*PRESENT, *UNSIMULATED, *REMOVED)


@lru_cache(maxsize=4096)
def find_endpoint(method: str, path: str) -> Endpoint | None:
    """Return the endpoint of a path below /v1 (`/me/tracks`) or of the accounts service (`/api/token`)."""
    for endpoint in (*DECLARED, *ACCOUNTS):
        if endpoint.method == method and re.fullmatch(endpoint.pattern, path):
            return endpoint
    return None
