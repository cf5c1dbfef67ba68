"""Rows as Spotify's exports have them, and queries of what was loaded."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.session import Session

START = datetime(2023, 5, 1, 12, 0, 0, tzinfo=UTC)
Row = dict[str, Any]


def extended(number: int, **changes: Any) -> Row:
    """Return the stream `number` of a history, as exported since 2024."""
    ended = START + timedelta(minutes=4 * number)
    return {
        "ts": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "platform": "android",
        "ms_played": 180_000 + number,
        "conn_country": "DE",
        "ip_addr": "203.0.113.9",
        "master_metadata_track_name": f"Track {number}",
        "master_metadata_album_artist_name": "Pulp",
        "master_metadata_album_album_name": "Different Class",
        "spotify_track_uri": f"spotify:track:{number:022d}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": int(ended.timestamp()) - 180,
        "incognito_mode": False,
    } | changes


def endsong(number: int, **changes: Any) -> Row:
    """Return the same stream as exported until 2022."""
    row = extended(number)
    for key in [key for key in row if key.startswith("audiobook_")] + ["ip_addr"]:
        del row[key]
    return (
        row
        | {
            "username": "someone",
            "platform": "Android OS 9 API 28 (samsung, SM-G960F)",
            "ip_addr_decrypted": "203.0.113.9",
            "user_agent_decrypted": "unknown",
            "skipped": None,
            "offline_timestamp": row["offline_timestamp"] * 1000 + 123,
        }
        | changes
    )


def one_year(number: int, **changes: Any) -> Row:
    """Return the same stream as in the one-year account data."""
    ended = START + timedelta(minutes=4 * number)
    return {
        "endTime": ended.strftime("%Y-%m-%d %H:%M"),
        "artistName": "Pulp",
        "trackName": f"Track {number}",
        "msPlayed": 180_000 + number,
    } | changes


def write(path: Path, rows: object) -> Path:
    """Write rows into a file, as Spotify does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    return path


def stored(
    session: Session,
    query: str = "select count(*) from raw_export.streaming_history",
    *,
    commit: bool = False,
) -> list[tuple[Any, ...]]:
    """Return the rows of a query. With `commit` it may change something."""
    with closing(session.database.connect(autocommit=commit)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []
