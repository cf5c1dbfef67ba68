"""`ops.api_fields`: when each API field that we rely on last had a value. Loads write it, dbt reads it.

A field that Spotify drops breaks nothing: payloads are stored as they come, and staging models make missing
values null. Without this table nobody would notice that genres or ISRCs are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg2.extras import execute_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from extract.loading.tables import RawTable, Row
    from profiles.database import Database


def _paths(text: str, *, inside: str = "") -> tuple[str, ...]:
    return tuple(f"{inside}{path}" for path in text.split())


_ALBUM = "id name album_type total_tracks images.0.url release_date release_date_precision"
_SIMPLE_TRACK = "id name artists.0.id artists.0.name track_number disc_number duration_ms explicit"
_TRACK = f"{_SIMPLE_TRACK} external_ids.isrc popularity " + " ".join(_paths(_ALBUM, inside="album."))

# What the staging models read. A number is a position in a list; `item|track` is the one of both that exists.
RELIED_ON: Mapping[str, tuple[str, ...]] = {
    "liked_tracks": ("added_at", *_paths(_TRACK, inside="track.")),
    "saved_albums": (
        *_paths("added_at album.artists.0.id album.artists.0.name album.tracks.total"),
        *_paths(_ALBUM, inside="album."),
        *_paths(_SIMPLE_TRACK, inside="album.tracks.items.0."),
    ),
    "recently_played": (
        *_paths("played_at context.type context.uri track.uri"),
        *_paths(_TRACK, inside="track."),
    ),
    "playlists": _paths("id name snapshot_id owner.id items|tracks.total"),
    "playlist_items": ("added_at", "is_local", *_paths(f"uri type {_TRACK}", inside="item|track.")),
    "profile": _paths("account_id id display_name"),
    "track_availability": _paths("id is_playable restrictions.reason"),
    "artists": _paths("id name genres.0 images.0.url"),
    "artist_albums": _paths(f"artists.0.id {_ALBUM}"),
}


def has_value(payload: Any, path: str) -> bool:
    """Whether the payload has a value at the path: neither a missing key nor JSON null nor empty text."""
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
    """Return the number of rows and that of rows with a value, by (resource, path)."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for table, rows in batches.items():
        payloads = [row["payload"] for row in rows if row.get("payload") is not None]
        for path in RELIED_ON.get(table.name, ()) if payloads else ():
            counts[table.name, path] = (len(payloads), sum(has_value(payload, path) for payload in payloads))
    return counts


def note(database: Database, batches: Mapping[RawTable, Sequence[Row]], moment: datetime) -> None:
    """Add the counts of one load to `ops.api_fields`, in one statement."""
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
            insert into ops.api_fields as stored (
                resource, path, first_seen, last_seen, last_looked_at, rows_looked, rows_with_value,
                rows_since_seen
            )
            select counts.*, case when counts.hits = 0 then counts.looked else 0 end
            from (values %s) as counts (resource, path, first_seen, last_seen, looked_at, looked, hits)
            on conflict (resource, path) do update
                set first_seen = coalesce(stored.first_seen, excluded.first_seen),
                    last_seen = coalesce(excluded.last_seen, stored.last_seen),
                    last_looked_at = excluded.last_looked_at,
                    rows_looked = stored.rows_looked + excluded.rows_looked,
                    rows_with_value = stored.rows_with_value + excluded.rows_with_value,
                    rows_since_seen = case
                        when excluded.rows_with_value > 0 then 0
                        else stored.rows_since_seen + excluded.rows_looked
                    end
            """,
            rows,
            template="(%s, %s, %s::timestamptz, %s::timestamptz, %s::timestamptz, %s::bigint, %s::bigint)",
            page_size=1000,
        )
