"""The permissions that the login asks for. No other file lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """One permission. `without` says what fails without it. `is_used` is False if nothing needs it yet."""

    name: str
    without: str
    is_used: bool = True


# without these two, GET me/playlists leaves private and shared playlists out, and does not say so
PLAYLIST_SCOPES = ("playlist-read-private", "playlist-read-collaborative")
SCOPES = (
    Scope("user-library-read", "liked songs and saved albums cannot be read"),
    Scope("user-read-recently-played", "plays cannot be read: the history stays empty"),
    Scope(PLAYLIST_SCOPES[0], "private playlists are not seen: neither rules nor pushes can rely on them"),
    Scope(PLAYLIST_SCOPES[1], "collaborative playlists are not seen"),
    Scope("playlist-modify-private", "private smart playlists cannot be written"),
    Scope("playlist-modify-public", "public smart playlists cannot be written"),
    Scope("user-top-read", "genres and images of artists are looked up one by one, slowly"),
    Scope("user-library-modify", "nothing can be saved to the library on request", is_used=False),
    Scope("user-read-private", "what the app may use is found out by trying", is_used=False),
)


def missing_from(granted: str | None) -> tuple[str, ...]:
    """Return the names of used permissions that a consent lacks.

    `granted` is Spotify's list, None means all.
    """
    if granted is None:
        return ()
    given = granted.split()
    return tuple(scope.name for scope in SCOPES if scope.is_used and scope.name not in given)
