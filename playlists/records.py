"""Our own record in `ops`: which playlist a slug is, what was pushed, what was refused."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json, RealDictCursor

from playlists.playlist_types import Entry, PlaylistState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from playlists.playlist_types import EditScript, Plan, State
    from profiles.database import Database


@dataclass(frozen=True, slots=True)
class Push:
    """One row of ``ops.playlist_pushes``. Times in UTC."""

    push_id: int
    slug: str
    playlist_id: str | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    before: tuple[Entry, ...]
    after: tuple[Entry, ...] | None
    operations: tuple[dict[str, Any], ...]
    calls: int
    reason: str | None
    error: str | None
    undo_of: int | None


@contextmanager
def cursor_of(database: Database) -> Iterator[RealDictCursor]:
    """One transaction: committed at the end, undone by an exception."""
    with (
        closing(database.connect()) as connection,
        connection,
        connection.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        yield cursor


def read_user_id(database: Database) -> str | None:
    """What Spotify calls ``owner.id`` of the account's own playlists, where it is remembered."""
    with cursor_of(database) as cursor:
        cursor.execute("select user_id from ops.account")
        row = cursor.fetchone()
    return row["user_id"] if row else None


def read_installation_id(database: Database) -> str:
    """The id that marks playlists as made by this installation."""
    with cursor_of(database) as cursor:
        cursor.execute("select cast(id as text) as id from ops.installation")
        return str(only(cursor)["id"])


def read_states(database: Database) -> dict[str, PlaylistState]:
    """The registry, by slug."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "select slug, playlist_id, name, description, asked_public, state, state_reason, snapshot_id,"
            " enabled_override, last_push_at, full_read_at from ops.playlists order by slug"
        )
        return {row["slug"]: PlaylistState(**row) for row in cursor.fetchall()}


def write_intent(database: Database, slug: str, name: str) -> None:
    """Say that a playlist is about to be made, so that a crash during its creation is noticed later."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "insert into ops.playlists (slug, name) values (%s, %s) on conflict (slug) do update"
            " set name = excluded.name, updated_at = now()",
            [slug, name],
        )


def write_mapping(
    database: Database,
    slug: str,
    playlist_id: str,
    name: str,
    *,
    description: str | None,
    asked_public: bool | None = None,
) -> None:
    """Remember which Spotify playlist a slug is. What we knew of its entries no longer counts."""
    with cursor_of(database) as cursor:
        cursor.execute(
            """
            insert into ops.playlists (slug, playlist_id, name, description, asked_public)
            values (%s, %s, %s, %s, %s)
            on conflict (slug) do update set
                playlist_id = excluded.playlist_id, name = excluded.name, description = excluded.description,
                asked_public = excluded.asked_public, state = 'active', state_reason = null,
                snapshot_id = null, full_read_at = null, updated_at = now()
            """,
            [slug, playlist_id, name, description, asked_public],
        )


def write_details(
    database: Database,
    slug: str,
    *,
    name: str | None = None,
    description: str | None = None,
    public: bool | None = None,
) -> None:
    """Remember what we gave it: its name, its description, whether to show it publicly; None: as it was."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "update ops.playlists set name = coalesce(%s, name), description = coalesce(%s, description),"
            " asked_public = coalesce(%s, asked_public), updated_at = now() where slug = %s",
            [name, description, public, slug],
        )


def write_state(database: Database, slug: str, state: State, reason: str | None) -> None:
    """Set the state of a playlist. Never takes its mapping away."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "update ops.playlists set state = %s, state_reason = %s, updated_at = now() where slug = %s",
            [state, reason, slug],
        )


def write_override(database: Database, slug: str, name: str, *, enabled: bool, reason: str | None) -> None:
    """What the user said about pausing wins over the block's ``enabled`` from now on."""
    state = "active" if enabled else "paused"
    with cursor_of(database) as cursor:
        cursor.execute(
            "insert into ops.playlists (slug, name, state, state_reason, enabled_override)"
            " values (%s, %s, %s, %s, %s) on conflict (slug) do update set state = excluded.state,"
            " state_reason = excluded.state_reason, enabled_override = excluded.enabled_override,"
            " updated_at = now()",
            [slug, name, state, reason, enabled],
        )


def write_standing_snapshot(database: Database, slug: str, snapshot_id: str) -> None:
    """All entries were read while the listing showed this snapshot, and they are as we recorded them."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, full_read_at = now(), updated_at = now()"
            " where slug = %s",
            [snapshot_id, slug],
        )


def start_push(database: Database, plan: Plan, playlist_id: str, *, reason: str, undo_of: int | None) -> int:
    """Record what is about to be done, before the first write; our knowledge of the entries ends here."""
    with cursor_of(database) as cursor:
        _close_interrupted(cursor, plan.slug)
        cursor.execute(
            "insert into ops.playlist_pushes (slug, playlist_id, status, before_uris, before_snapshot_id,"
            " operations, reason, undo_of) values (%s, %s, 'applying', %s, %s, %s, %s, %s) returning push_id",
            [
                plan.slug,
                playlist_id,
                _records(plan.current),
                plan.snapshot_id,
                _operations(plan.script),
                reason,
                undo_of,
            ],
        )
        push_id = int(only(cursor)["push_id"])
        cursor.execute("update ops.playlists set snapshot_id = null where slug = %s", [plan.slug])
    return push_id


def finish_push(
    database: Database,
    push_id: int,
    slug: str,
    after: Sequence[Entry],
    *,
    snapshot_id: str | None,
    operations: Sequence[Any],
    calls: int,
    all_read: bool,
) -> None:
    """Record what stands there now, verified."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "update ops.playlist_pushes set status = 'done', finished_at = now(), after_uris = %s,"
            " after_snapshot_id = %s, operations = %s, calls = %s, error = null where push_id = %s",
            [_records(after), snapshot_id, Json([each.as_record() for each in operations]), calls, push_id],
        )
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, pushed_uris_hash = %s, last_push_at = now(),"
            " full_read_at = case when %s then now() else full_read_at end, updated_at = now(),"
            " state = case when state = 'failing' then 'active' else state end,"
            " state_reason = case when state = 'failing' then null else state_reason end where slug = %s",
            [snapshot_id, hash_of(after), all_read, slug],
        )


def fail_push(database: Database, push_id: int, error: str, calls: int) -> None:
    """Record that a push ended early. The next one reads the playlist and goes on from what it finds."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "update ops.playlist_pushes set status = 'failed', finished_at = now(), error = %s, calls = %s"
            " where push_id = %s",
            [error, calls, push_id],
        )


def record_observation(
    database: Database,
    slug: str,
    playlist_id: str,
    entries: Sequence[Entry],
    *,
    snapshot_id: str,
    reason: str,
) -> None:
    """Record entries that were read and are not what we left there, for the history and the next plan."""
    with cursor_of(database) as cursor:
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
                "entries": _records(entries),
                "snapshot_id": snapshot_id,
                "reason": reason,
            },
        )
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, pushed_uris_hash = %s, full_read_at = now(),"
            " updated_at = now() where slug = %s",
            [snapshot_id, hash_of(entries), slug],
        )


def last_entries(database: Database, slug: str, playlist_id: str) -> tuple[Entry, ...] | None:
    """What our record says that the playlist holds; None where the last push did not end well."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "select p.playlist_id, p.status, p.after_uris, r.pushed_uris_hash from ops.playlist_pushes p"
            " inner join ops.playlists r using (slug) where slug = %s order by push_id desc limit 1",
            [slug],
        )
        row = cursor.fetchone()
    if (
        row is None
        or row["status"] != "done"
        or row["playlist_id"] != playlist_id
        or row["after_uris"] is None
    ):
        return None
    entries = tuple(Entry.from_record(record) for record in row["after_uris"])
    return entries if hash_of(entries) == row["pushed_uris_hash"] else None


def last_push_id(database: Database, slug: str) -> int | None:
    """The newest push of a playlist, however it ended."""
    with cursor_of(database) as cursor:
        cursor.execute("select max(push_id) as push_id from ops.playlist_pushes where slug = %s", [slug])
        push_id = only(cursor)["push_id"]
    return None if push_id is None else int(push_id)


def was_filled(database: Database, slug: str, playlist_id: str) -> bool:
    """Whether a push has ever put something into it (mode ``freeze`` fills once)."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "select exists (select from ops.playlist_pushes where slug = %s and playlist_id = %s"
            " and status = 'done' and operations <> '[]' and jsonb_array_length(after_uris) > 0)",
            [slug, playlist_id],
        )
        return bool(only(cursor)["exists"])


def read_pushes(database: Database, slug: str, *, until: datetime | None = None) -> list[Push]:
    """The pushes of a playlist, newest first, up to a moment."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "select push_id, slug, playlist_id, started_at, finished_at, status, before_uris, after_uris,"
            " operations, calls, reason, error, undo_of from ops.playlist_pushes"
            " where slug = %s and (%s is null or started_at <= %s) order by push_id desc",
            [slug, until, until],
        )
        return [
            Push(
                before=_entries(row.pop("before_uris")) or (),
                after=_entries(row.pop("after_uris")),
                operations=tuple(row.pop("operations")),
                **row,
            )
            for row in cursor.fetchall()
        ]


def refused_lately(database: Database, uris: Sequence[str]) -> set[str]:
    """Those of the uris that Spotify refused in the last 30 days."""
    with cursor_of(database) as cursor:
        cursor.execute(
            "select uri from ops.refused_uris"
            " where uri = any(%s) and refused_at > now() - interval '30 days'",
            [list(uris)],
        )
        return {row["uri"] for row in cursor.fetchall()}


def write_refused(database: Database, uris: Sequence[str]) -> None:
    """Remember what Spotify refused, so that it is not searched for by halves each night."""
    if not uris:
        return
    with cursor_of(database) as cursor:
        cursor.execute(
            "insert into ops.refused_uris (uri) select unnest(%s)"
            " on conflict (uri) do update set refused_at = now()",
            [list(uris)],
        )


def hash_of(entries: Sequence[Entry]) -> str:
    """A fingerprint of the ordered uris."""
    return hashlib.sha256("\n".join(entry.uri or "" for entry in entries).encode()).hexdigest()


def _close_interrupted(cursor: RealDictCursor, slug: str) -> None:
    cursor.execute(
        "update ops.playlist_pushes set status = 'failed', finished_at = now(), error = 'interrupted'"
        " where slug = %s and status = 'applying'",
        [slug],
    )


def _records(entries: Sequence[Entry]) -> Json:
    return Json([entry.as_record() for entry in entries])


def _operations(script: EditScript) -> Json:
    return Json([operation.as_record() for operation in script.operations])


def _entries(records: list[dict[str, Any]] | None) -> tuple[Entry, ...] | None:
    return None if records is None else tuple(Entry.from_record(record) for record in records)


def only(cursor: RealDictCursor) -> dict[str, Any]:
    """The one row of a query that always gives one."""
    row = cursor.fetchone()
    if row is None:
        raise LookupError("a query that always gives a row gave none")
    return dict(row)
