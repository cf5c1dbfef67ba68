"""The registry, `ops.playlists`: which Spotify playlist a slug is, what we gave it, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playlists.playlist_types import PlaylistState

if TYPE_CHECKING:
    from playlists.playlist_types import State
    from profiles.database import Database


def read_user_id(database: Database) -> str | None:
    """What Spotify calls ``owner.id`` of the account's own playlists, where it is remembered."""
    with database.transaction() as cursor:
        cursor.execute("select user_id from ops.account")
        row = cursor.fetchone()
    return row[0] if row else None


def read_installation_id(database: Database) -> str:
    """The id that marks playlists as made by this installation."""
    with database.transaction() as cursor:
        cursor.execute("select cast(id as text) from ops.installation")
        [(installation_id,)] = cursor.fetchall()
    return str(installation_id)


def read_states(database: Database) -> dict[str, PlaylistState]:
    """The registry, by slug."""
    with database.transaction() as cursor:
        cursor.execute(
            "select slug, playlist_id, name, description, asked_public, state, state_reason, snapshot_id,"
            " enabled_override, last_push_at, full_read_at from ops.playlists order by slug"
        )
        return {row[0]: PlaylistState(*row) for row in cursor.fetchall()}


def write_intent(database: Database, slug: str, name: str) -> None:
    """Note that a playlist is about to be made, so that a crash during its creation is noticed later."""
    with database.transaction() as cursor:
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
    with database.transaction() as cursor:
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
    """Remember the name, the description and the visibility that we gave it; None leaves what there is."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlists set name = coalesce(%s, name), description = coalesce(%s, description),"
            " asked_public = coalesce(%s, asked_public), updated_at = now() where slug = %s",
            [name, description, public, slug],
        )


def write_state(database: Database, slug: str, state: State, reason: str | None) -> None:
    """Set the state of a playlist. Never takes its mapping away."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlists set state = %s, state_reason = %s, updated_at = now() where slug = %s",
            [state, reason, slug],
        )


def write_override(database: Database, slug: str, name: str, *, enabled: bool, reason: str | None) -> None:
    """Pause or resume a playlist: from now on this wins over the block's ``enabled``."""
    state = "active" if enabled else "paused"
    with database.transaction() as cursor:
        cursor.execute(
            "insert into ops.playlists (slug, name, state, state_reason, enabled_override)"
            " values (%s, %s, %s, %s, %s) on conflict (slug) do update set state = excluded.state,"
            " state_reason = excluded.state_reason, enabled_override = excluded.enabled_override,"
            " updated_at = now()",
            [slug, name, state, reason, enabled],
        )


def confirm_snapshot(database: Database, slug: str, snapshot_id: str) -> None:
    """Remember that all entries were read under this snapshot, and are as we recorded them."""
    with database.transaction() as cursor:
        cursor.execute(
            "update ops.playlists set snapshot_id = %s, full_read_at = now(), updated_at = now()"
            " where slug = %s",
            [snapshot_id, slug],
        )
