"""A session that cannot call Spotify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.session import Session
    from profiles.settings import Settings


@dataclass(frozen=True)
class _WithoutSpotify:
    settings: Settings
    database: Database


def without_spotify(settings: Settings, database: Database) -> Session:
    """Settings and database of a session, and no client."""
    return cast("Session", _WithoutSpotify(settings, database))
