"""Allows another time than now in databases that live in simulated time, and in no others.

TRACKER_AS_OF (for dbt also the var `as_of`) tells loads, builds and pushes what time it is. In a person's
database it is refused, because rows and snapshots would get times that never were. Tests and the demo declare
their database as simulated while it is empty. Even there time only moves forward. dbt reads the same row
before each build (macro `refuse_another_day`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.clock import as_of
from profiles.database import our_tables
from profiles.errors import InputError, SettingsError

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.settings import Settings

HELD = ("ops.account", "ops.play_polls", "ops.playlist_pushes", "ops.playlist_rules", "ops.tokens")
REFUSAL = (
    "TRACKER_AS_OF is set to {moment}, and this database holds a real listening history: a load, a build or a"
    " push as of another moment would write times into it that never were."
)
REMEDY = (
    "Take TRACKER_AS_OF out of the environment and out of .env, then repeat the command."
    " `tracker playlists history SLUG --as-of DAY` shows what a playlist held on an earlier day."
)
BACKWARD = "TRACKER_AS_OF is set to {moment}, but this database has already lived until {latest}."


def begin(database: Database) -> None:
    """Declare that this database lives in simulated time. Nothing happens if it does already.

    Raises InputError if it holds anything of a person.
    """
    with database.transaction() as cursor:
        if _latest(cursor) is not None:
            return
        tables = our_tables.tables(cursor)
        raw = [
            table for table in tables if table.schema.startswith("raw_") and not table.name.startswith("_")
        ]
        held = our_tables.count_rows(cursor, [*raw, *(table for table in tables if str(table) in HELD)])
        if any(held.values()):
            raise InputError(
                f"The database '{database.name}' is not empty, so it cannot live in simulated time.",
                remedy="Use an empty database.",
            )
        cursor.execute("update ops.installation set simulated_at = to_timestamp(0)")


def end(database: Database) -> None:
    """Declare that from now on this database lives in real time."""
    with database.transaction() as cursor:
        cursor.execute("update ops.installation set simulated_at = null")


def check(settings: Settings, database: Database) -> None:
    """Move the simulated time forward to TRACKER_AS_OF, if that is set.

    Raises SettingsError if the database does not live in simulated time, or if that moment lies in its past.
    """
    if settings.tracker_as_of is None:
        return
    moment = as_of(settings)
    with database.transaction() as cursor:
        latest = _latest(cursor)
        if latest is None:
            raise SettingsError(REFUSAL.format(moment=moment.isoformat()), remedy=REMEDY)
        if latest > moment:
            message = BACKWARD.format(moment=moment.isoformat(), latest=latest.isoformat())
            raise SettingsError(message, remedy="Simulated time only moves forward.")
        cursor.execute("update ops.installation set simulated_at = %s", [moment])


def _latest(cursor: psycopg2.extensions.cursor) -> datetime | None:
    cursor.execute("select simulated_at from ops.installation")
    ((latest,),) = cursor.fetchall()
    return latest  # type: ignore[no-any-return]  # a row of psycopg2 has no types
