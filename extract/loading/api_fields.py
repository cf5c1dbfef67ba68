"""`ops.api_fields`: which fields of the API that we rely on still come. Written by every load, read by dbt.

A field that Spotify drops breaks nothing (payloads are stored as they come, staging makes missing values
null), so nobody would notice that genres or ISRCs have dried up. Here it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg2.extras import execute_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from extract.loading.tables import RawTable, Row
    from profiles.database import Database

_ALBUM = (
    "id",
    "name",
    "album_type",
    "total_tracks",
    "images.0.url",
    "release_date",
    "release_date_precision",
)
_SIMPLE_TRACK = (
    *(
        "id",
        "name",
        "artists.0.id",
        "artists.0.name",
        "track_number",
        "disc_number",
        "duration_ms",
        "explicit",
    ),
)
_TRACK = (
    *_SIMPLE_TRACK,
    *("external_ids.isrc", "popularity"),
    *(f"album.{path}" for path in _ALBUM),
)


def _inside(prefix: str, paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{prefix}.{path}" for path in paths)


# What the staging models read. A number is a place in a list; `item|track` is whichever of both there is.
RELIED_ON: Mapping[str, tuple[str, ...]] = {
    "liked_tracks": ("added_at", *_inside("track", _TRACK)),
    "saved_albums": (
        "added_at",
        *_inside("album", _ALBUM),
        *("album.artists.0.id", "album.artists.0.name", "album.tracks.total"),
        *_inside("album.tracks.items.0", _SIMPLE_TRACK),
    ),
    "recently_played": ("played_at", "context.type", "context.uri", "track.uri", *_inside("track", _TRACK)),
    "playlists": ("id", "name", "snapshot_id", "owner.id", "items|tracks.total"),
    "playlist_items": ("added_at", "is_local", *_inside("item|track", ("uri", "type", *_TRACK))),
    "profile": ("account_id", "id", "display_name"),
    "track_availability": ("id", "is_playable", "restrictions.reason"),
    "artists": ("id", "name", "genres.0", "images.0.url"),
    "artist_albums": ("artists.0.id", *_ALBUM),
}


def has_value(payload: Any, path: str) -> bool:
    """Whether the payload holds a value there: no missing key, JSON null or empty text."""
    value = payload
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, dict):
            value = next((value[key] for key in step.split("|") if value.get(key) is not None), None)
        else:
            return False
    return value is not None and value != ""


def count_values(
    batches: Mapping[RawTable, Sequence[Row]],
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return rows looked at and rows with a value, by (resource, path)."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for table, rows in batches.items():
        payloads = [row["payload"] for row in rows if row.get("payload") is not None]
        for path in RELIED_ON.get(table.name, ()) if payloads else ():
            counts[table.name, path] = (len(payloads), sum(has_value(payload, path) for payload in payloads))
    return counts


def note(database: Database, batches: Mapping[RawTable, Sequence[Row]], moment: datetime) -> None:
    """Add what a load has seen to the inventory: one statement per load."""
    counts = count_values(batches)
    if not counts:
        return
    rows = [
        (resource, path, moment if hits else None, moment if hits else None, moment, looked, hits)
        for (resource, path), (looked, hits) in counts.items()
    ]
    with database.transaction() as cursor:
        execute_values(
            cursor,
            """
            insert into ops.api_fields as known (
                resource, path, first_seen, last_seen, last_looked_at, rows_looked, rows_with_value,
                rows_since_seen
            )
            select came.*, case when came.hits = 0 then came.looked else 0 end
            from (values %s) as came (resource, path, first_seen, last_seen, looked_at, looked, hits)
            on conflict (resource, path) do update
                set first_seen = coalesce(known.first_seen, excluded.first_seen),
                    last_seen = coalesce(excluded.last_seen, known.last_seen),
                    last_looked_at = excluded.last_looked_at,
                    rows_looked = known.rows_looked + excluded.rows_looked,
                    rows_with_value = known.rows_with_value + excluded.rows_with_value,
                    rows_since_seen = case
                        when excluded.rows_with_value > 0 then 0
                        else known.rows_since_seen + excluded.rows_looked
                    end
            """,
            rows,
            template="(%s, %s, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::bigint, %s::bigint)",
            page_size=1000,
        )
