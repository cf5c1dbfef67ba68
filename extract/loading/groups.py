"""Which tables are loaded together: one dlt pipeline, one working folder and one lock per group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extract.loading import export_tables as export
from extract.loading import tables as spotify
from extract.loading.tables import TableGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARY = (spotify.LIKED_TRACKS, spotify.SAVED_ALBUMS, spotify.LIBRARY_REMOVALS)
CATALOG = (spotify.TRACK_AVAILABILITY, spotify.ARTISTS, spotify.ARTIST_ALBUMS)
MERGED_EXPORT_TABLES = (
    export.IMPORT_FILES, export.REJECTED_ROWS, export.TRACKER_PLAYLISTS, export.TRACKER_EXCLUSIONS
)  # fmt: skip
COPIED_EXPORT_TABLES = (export.STREAMING_HISTORY, export.TRACKER_PLAYS)

EXPORTS = TableGroup("exports", export.DATASET, MERGED_EXPORT_TABLES + COPIED_EXPORT_TABLES)
GROUPS: Mapping[str, TableGroup] = {
    "library": TableGroup("library", spotify.DATASET, LIBRARY),
    "listening": TableGroup("listening", spotify.DATASET, (spotify.RECENTLY_PLAYED,)),
    "playlists": TableGroup("playlists", spotify.DATASET, (spotify.PLAYLISTS, spotify.PLAYLIST_ITEMS)),
    "account": TableGroup("account", spotify.DATASET, (spotify.PROFILE,)),
    "catalog": TableGroup("catalog", spotify.DATASET, CATALOG),
    EXPORTS.name: EXPORTS,
}
