"""Loads plays from before the tracker ran, from Spotify's exports and an older tracker's database."""

from extract.history.export_files import ImportInputError
from extract.history.import_lock import ImportRunningError
from extract.history.import_report import FileReport, ImportProgress, ImportReport
from extract.history.importer import import_history
from extract.history.older_database import TrackerUnreachableError, is_address
from extract.history.older_tracker import import_tracker

__all__ = [
    "FileReport",
    "ImportInputError",
    "ImportProgress",
    "ImportReport",
    "ImportRunningError",
    "TrackerUnreachableError",
    "import_history",
    "import_tracker",
    "is_address",
]
