"""The permissions that the login asks for. No other file lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """One permission. `without` says what fails or is slower without it.

    `is_used` is False if nothing needs it yet, `is_optional` True if everything works without it.
    """

    name: str
    without: str
    is_used: bool = True
    is_optional: bool = False


# without these two, GET me/playlists leaves private and shared playlists out, and does not say so
PLAYLIST_SCOPES = ("playlist-read-private", "playlist-read-collaborative")
SCOPES = (
    Scope("user-library-read", "liked songs and saved albums cannot be read"),
    Scope("user-read-recently-played", "plays cannot be read: the history stays empty"),
    Scope(PLAYLIST_SCOPES[0], "private playlists are not seen: neither rules nor pushes can rely on them"),
    Scope(PLAYLIST_SCOPES[1], "collaborative playlists are not seen"),
    Scope("playlist-modify-private", "private smart playlists cannot be written"),
    Scope("playlist-modify-public", "public smart playlists cannot be written"),
    Scope("user-top-read", "genres and images of artists are looked up one by one, slowly", is_optional=True),
    Scope("user-library-modify", "nothing can be saved to the library on request", is_used=False),
    Scope("user-read-private", "what the app may use is found out by trying", is_used=False),
)


def refused_in(granted: str | None) -> tuple[Scope, ...]:
    """Return the used permissions that a consent lacks, the optional ones too.

    `granted` is Spotify's list, None means all.
    """
    if granted is None:
        return ()
    given = granted.split()
    return tuple(scope for scope in SCOPES if scope.is_used and scope.name not in given)


def missing_from(granted: str | None) -> tuple[str, ...]:
    """Return the names of the permissions that a consent lacks, and that something does not work without."""
    return tuple(scope.name for scope in refused_in(granted) if not scope.is_optional)
