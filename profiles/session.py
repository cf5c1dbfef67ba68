"""What a piece of work holds in its hands: the settings, the database, Spotify."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiles import redaction, simulated_time
from profiles.database import open_database
from profiles.settings import load_settings
from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database
    from profiles.settings import Settings


@dataclass(frozen=True)
class Session:
    """Open for the length of one piece of work. Spotify is not asked for anything before the first call."""

    settings: Settings
    database: Database
    spotify: SpotifyClient


@contextmanager
def open_session() -> Iterator[Session]:
    """Open a session as the environment says, starting the embedded database when needed.

    Raises SettingsError and DatabaseUnavailable; see `session_for` for TRACKER_AS_OF.
    """
    settings = load_settings()
    redaction.install(settings.secrets())
    with session_for(settings, open_database(settings)) as session:
        yield session


@contextmanager
def session_for(settings: Settings, database: Database) -> Iterator[Session]:
    """Open a session on a database that is already prepared.

    Raises SettingsError where TRACKER_AS_OF is set and the database does not live in simulated time.
    """
    simulated_time.check(settings, database)
    redaction.install(settings.secrets())
    with closing(SpotifyClient(settings, database)) as client:
        yield Session(settings, database, client)
