"""The database: its connection, the embedded server, and what goes in and out of it as files."""

from profiles.database.connection import (
    Database,
    advisory_lock,
    create_if_missing,
    held_lock,
    locate,
    open_database,
    prepare,
    stop_embedded,
)

__all__ = [
    "Database",
    "advisory_lock",
    "create_if_missing",
    "held_lock",
    "locate",
    "open_database",
    "prepare",
    "stop_embedded",
]
