"""The tables of `raw_export`: listening histories of Spotify's exports and of an older tracker.

The two large tables are copied into. Their `row_hash` stands for the content of a row: rows are compared by
it before they are loaded, and a unique index on it refuses a second one. The others are merged.
"""

from __future__ import annotations

from extract.loading.tables import RawTable

DATASET = "raw_export"

STREAMING_HISTORY = RawTable.declare(
    "streaming_history",
    """
    row_hash bigint, file_id bigint, row_number bigint, format text, era text, kind text, ts timestamp,
    is_minute_precision bool, ms_played bigint null, track_name text null, artist_name text null,
    album_name text null, track_uri text null, episode_name text null, show_name text null,
    episode_uri text null, audiobook_title text null, audiobook_uri text null,
    audiobook_chapter_title text null, audiobook_chapter_uri text null, platform text null,
    conn_country text null, reason_start text null, reason_end text null, shuffle bool null,
    skipped bool null, offline bool null, offline_timestamp bigint null, offline_at timestamp null,
    incognito_mode bool null
    """,
    key="row_hash",
    is_read_by_load=True,
    is_copied=True,
)
TRACKER_PLAYS = RawTable.declare(
    "tracker_plays",
    """
    row_hash bigint, track_id text null, played_at timestamp, track_name text null,
    artist_name text null, album_name text null, duration_ms bigint null, payload json
    """,
    key="row_hash",
    is_read_by_load=True,
    is_copied=True,
)
IMPORT_FILES = RawTable.declare(
    "import_files",
    """
    file_id bigint, sha256 text, name text, size_bytes bigint, format text null, is_video bool,
    outcome text, reason text null, row_count bigint, play_count bigint, podcast_count bigint,
    audiobook_count bigint, unknown_count bigint, duplicate_count bigint, rejected_count bigint,
    unknown_keys json, first_at timestamp null, last_at timestamp null, reader_version bigint,
    imported_at timestamp
    """,
    key="file_id",
)
REJECTED_ROWS = RawTable.declare(
    "rejected_rows",
    "file_id bigint, row_number bigint, reason text, row_text text, rejected_at timestamp",
    key="file_id row_number",
)
TRACKER_PLAYLISTS = RawTable.declare(
    "tracker_playlists",
    """
    slug text, name text null, playlist_id text null, rules json null, payload json,
    imported_at timestamp
    """,
    key="slug",
)
TRACKER_EXCLUSIONS = RawTable.declare(
    "tracker_exclusions",
    "track_id text, payload json, imported_at timestamp",
    key="track_id",
)
