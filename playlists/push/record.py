"""The history, `ops.playlist_pushes`: what each push found, did and left; and what Spotify refused.

`undo` and the next plan read it. Our record of the entries counts only while the last push ended well.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json

from playlists.playlist_types import PlaylistEntry, PushRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from playlists.playlist_types import Operation, Plan
    from profiles.database import Database

REFUSED_FOR = "30 days"
"""A uri that Spotify refused is left out for so long, then tried again."""


def start_push(database: Database, plan: Plan, *, reason: str, undo_of: int | None) -> int:
    """Record what is about to be done, before the first write; returns the push's number.

    From here on our record of the entries no longer counts.
    """
    with database.transaction() as cursor:
        _close_interrupted(cursor, plan.slug)
        cursor.execute(
            "insert into ops.playlist_pushes (slug, playlist_id, status, before_uris, before_snapshot_id,"
            " operations, reason, undo_of) values (%s, %s, 'applying', %s, %s, %s, %s, %s) returning push_id",
            [
                plan.slug,
                plan.state.playlist_id,
                _as_json(plan.current),
                plan.snapshot_id,
                _as_json(plan.script.operations),
                reason,
                undo_of,
            ],
        )
        [(push_id,)] = cursor.fetchall()
        cursor.execute("update ops.playlists set snapshot_id = null where slug = %s", [plan.slug])
    return int(push_id)


def finish_push(
    database: Database,
    push_id: int,
    slug: str,
    after: Sequence[PlaylistEntry],
    *,
    snapshot_id: str | None,
    operations: Sequence[Operation],
    calls: int,
    is_all_read: bool,
) -> None:
    """Record what the playlist holds now, verified. `is_all_read`: all its entries have just been read."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlist_pushes set status = 'done', finished_at = now(), after_uris = %s,"
            " after_snapshot_id = %s, operations = %s, calls = %s, error = null where push_id = %s",
            [_as_json(after), snapshot_id, _as_json(operations), calls, push_id],
        )
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, pushed_uris_hash = %s, last_push_at = now(),"
            " full_read_at = case when %s then now() else full_read_at end, updated_at = now(),"
            " state = case when state = 'failing' then 'active' else state end,"
            " state_reason = case when state = 'failing' then null else state_reason end where slug = %s",
            [snapshot_id, hash_of(after), is_all_read, slug],
        )


def fail_push(database: Database, push_id: int, error: str, calls: int) -> None:
    """Record that a push ended early. The next one reads the playlist and goes on from what it finds."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlist_pushes set status = 'failed', finished_at = now(), error = %s, calls = %s"
            " where push_id = %s",
            [error, calls, push_id],
        )


def record_observation(
    database: Database,
    slug: str,
    playlist_id: str,
    entries: Sequence[PlaylistEntry],
    *,
    snapshot_id: str,
    reason: str,
) -> None:
    """Record entries that were read and are not what we left there, for the history and the next plan."""
    with database.transaction() as cursor:
        _close_interrupted(cursor, slug)
        cursor.execute(
            """
            insert into ops.playlist_pushes
                (slug, playlist_id, finished_at, status, before_uris, after_uris, after_snapshot_id, reason)
            select
                %(slug)s, %(playlist_id)s, now(), 'done',
                (
                    select after_uris from ops.playlist_pushes
                    where slug = %(slug)s and status = 'done' order by push_id desc limit 1
                ),
                %(entries)s, %(snapshot_id)s, %(reason)s
            """,
            {
                "slug": slug,
                "playlist_id": playlist_id,
                "entries": _as_json(entries),
                "snapshot_id": snapshot_id,
                "reason": reason,
            },
        )
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, pushed_uris_hash = %s, full_read_at = now(),"
            " updated_at = now() where slug = %s",
            [snapshot_id, hash_of(entries), slug],
        )


def last_entries(database: Database, slug: str, playlist_id: str) -> tuple[PlaylistEntry, ...] | None:
    """Return what the playlist holds by our record; None where the last push failed."""
    with database.transaction() as cursor:
        cursor.execute(
            "select pushes.after_uris, registry.pushed_uris_hash from ops.playlist_pushes as pushes"
            " inner join ops.playlists as registry using (slug)"
            " where slug = %s and pushes.push_id = (select max(push_id) from ops.playlist_pushes"
            " where slug = %s) and pushes.status = 'done' and pushes.playlist_id = %s",
            [slug, slug, playlist_id],
        )
        after, pushed_hash = cursor.fetchone() or (None, None)
    entries = _entries(after)
    return entries if entries is not None and hash_of(entries) == pushed_hash else None


def was_filled(database: Database, slug: str, playlist_id: str | None) -> bool:
    """Whether a push has ever put something into it (mode ``freeze`` fills once)."""
    with database.transaction() as cursor:
        cursor.execute(
            "select exists (select from ops.playlist_pushes where slug = %s and playlist_id = %s"
            " and status = 'done' and operations <> '[]' and jsonb_array_length(after_uris) > 0)",
            [slug, playlist_id],
        )
        return cursor.fetchone() == (True,)


def read_pushes(database: Database, slug: str, *, until: datetime | None = None) -> list[PushRecord]:
    """The pushes of a playlist, newest first, up to a moment."""
    with database.transaction() as cursor:
        cursor.execute(
            "select push_id, slug, playlist_id, started_at, finished_at, status, before_uris, after_uris,"
            " operations, calls, reason, error, undo_of from ops.playlist_pushes"
            " where slug = %s and (%s is null or started_at <= %s) order by push_id desc",
            [slug, until, until],
        )
        return [_push(row) for row in cursor.fetchall()]


def refused_lately(database: Database, uris: Sequence[str]) -> set[str]:
    """Return those of the uris that Spotify refused in the last 30 days."""
    with database.transaction() as cursor:
        cursor.execute(
            "select uri from ops.refused_uris"
            " where uri = any(%s) and refused_at > now() - cast(%s as interval)",
            [list(uris), REFUSED_FOR],
        )
        return {uri for (uri,) in cursor.fetchall()}


def write_refused(database: Database, uris: Sequence[str]) -> None:
    """Remember the uris that Spotify refused: to find them again would take several calls each night."""
    if not uris:
        return
    with database.transaction() as cursor:
        cursor.execute(
            "insert into ops.refused_uris (uri) select unnest(%s)"
            " on conflict (uri) do update set refused_at = now()",
            [list(uris)],
        )


def hash_of(entries: Sequence[PlaylistEntry]) -> str:
    """A fingerprint of the ordered uris."""
    return hashlib.sha256("\n".join(entry.uri or "" for entry in entries).encode()).hexdigest()


def _push(row: Sequence[Any]) -> PushRecord:
    push = PushRecord(*row)
    return replace(
        push,
        before=tuple(map(PlaylistEntry.from_record, row[6] or ())),
        after=_entries(row[7]),
        operations=tuple(push.operations),
    )


def _close_interrupted(cursor: Cursor, slug: str) -> None:
    cursor.execute(
        "update ops.playlist_pushes set status = 'failed', finished_at = now(), error = 'interrupted'"
        " where slug = %s and status = 'applying'",
        [slug],
    )


def _as_json(parts: Sequence[PlaylistEntry] | Sequence[Operation]) -> Json:
    return Json([part.as_record() for part in parts])


def _entries(records: list[dict[str, Any]] | None) -> tuple[PlaylistEntry, ...] | None:
    return None if records is None else tuple(PlaylistEntry.from_record(record) for record in records)
