"""What every piece of work needs: the settings, the database, the Spotify client."""

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
    """The three of them, open for one piece of work. Spotify is not called before the work calls it."""

    settings: Settings
    database: Database
    spotify: SpotifyClient


@contextmanager
def open_session() -> Iterator[Session]:
    """Yield a session as the environment says. The embedded database is started if needed.

    Raises SettingsError (see also `session_for`) and DatabaseUnavailable.
    """
    settings = load_settings()
    redaction.install(settings.secrets())
    with session_for(settings, open_database(settings)) as session:
        yield session


@contextmanager
def session_for(settings: Settings, database: Database) -> Iterator[Session]:
    """Yield a session on a database that is already prepared.

    Raises SettingsError if TRACKER_AS_OF is set but the database does not live in simulated time.
    """
    simulated_time.check(settings, database)
    redaction.install(settings.secrets())
    with closing(SpotifyClient(settings, database)) as client:
        yield Session(settings, database, client)
