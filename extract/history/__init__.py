"""Plays from before the tracker ran: Spotify's exports, an older tracker's database → `raw_export`."""

from extract.history.copy_load import ImportRunningError, ensure_tables
from extract.history.export_files import ImportInputError
from extract.history.import_report import FileReport, ImportProgress, ImportReport
from extract.history.importer import import_history
from extract.history.older_tracker import TrackerUnreachableError, import_tracker, is_address

__all__ = [
    "FileReport",
    "ImportInputError",
    "ImportProgress",
    "ImportReport",
    "ImportRunningError",
    "TrackerUnreachableError",
    "ensure_tables",
    "import_history",
    "import_tracker",
    "is_address",
]
