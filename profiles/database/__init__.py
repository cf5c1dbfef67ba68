"""The database: connections and locks, the embedded server, and backups, restores and exports."""

from profiles.database.connection import (
    Database,
    advisory_lock,
    create_if_missing,
    held_lock,
    is_prepared,
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
    "is_prepared",
    "locate",
    "open_database",
    "prepare",
    "stop_embedded",
]
