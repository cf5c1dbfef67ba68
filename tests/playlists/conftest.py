"""A simulated Spotify with plenty of songs, and the two tables that dbt leaves for the pushes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2.extras import Json

from playlists.block import read_block
from playlists.push.push import push_all
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playlists.playlist_types import PushResult
    from profiles.session import Session
    from sandbox.account.model import Playlist

TABLES = """
create schema if not exists analytics;
create table analytics.playlist_selections (
    slug text not null, position bigint not null, track_id text not null, track_uri text not null,
    recording_id text, invocation_id text not null
);
create table analytics.playlist_definitions (
    slug text primary key, definition jsonb not null, built_at timestamptz not null,
    invocation_id text not null, selected_count bigint not null
);
"""


@dataclass
class Stage:
    """A session on a simulated account, with selections that a test sets by hand."""

    session: Session
    spotify: RunningSandbox
    uris: list[str]
    """Songs that Spotify knows."""
    builds: int = field(default=0)

    def select(self, slug: str, uris: Sequence[str], *, tested: str | None = "pass", **block: Any) -> None:
        """Do what a build does: replace one selection, and test it."""
        self.builds += 1
        definition = read_block(slug, {"title": slug.title(), **block}).model_dump(mode="json")
        invocation_id = f"build-{self.builds}"
        with self.session.database.transaction() as cursor:
            cursor.execute("delete from analytics.playlist_selections where slug = %s", [slug])
            cursor.execute("delete from analytics.playlist_definitions where slug = %s", [slug])
            cursor.execute(
                "insert into analytics.playlist_selections select %s, position, uri, uri, uri, %s"
                " from unnest(cast(%s as text[])) with ordinality as u(uri, position)",
                [slug, invocation_id, list(uris)],
            )
            cursor.execute(
                "insert into analytics.playlist_definitions values (%s, %s, now(), %s, %s)",
                [slug, Json(definition), invocation_id, len(uris)],
            )
            if tested:
                cursor.execute(
                    "insert into ops.build_results"
                    " (invocation_id, unique_id, slug, test_name, status, selection_invocation_id)"
                    " values (%s, %s, %s, 'unique', %s, %s)",
                    [invocation_id, f"test.{slug}", slug, tested, invocation_id],
                )

    def look_at_sources(self, *, hours_ago: float = 0) -> None:
        """Do what a sync does: note a complete look."""
        moment = datetime.now(UTC) - timedelta(hours=hours_ago)
        with self.session.database.transaction() as cursor:
            for resource in ("liked_tracks", "saved_albums"):
                cursor.execute(
                    "insert into ops.source_checks (resource, checked_at, is_complete) values (%s, %s, true)"
                    " on conflict (resource) do update set checked_at = excluded.checked_at",
                    [resource, moment],
                )

    def push(self, *slugs: str, **options: Any) -> dict[str, PushResult]:
        """Push, with the accounting set to zero before."""
        self.spotify.calls.reset()
        return {result.slug: result for result in push_all(self.session, slugs or None, **options)}

    def playlists(self, name: str) -> list[Playlist]:
        """The truth: all playlists of this name."""
        return [one for one in self.spotify.account.playlists.values() if one.name == name]

    def playlist(self, name: str) -> Playlist:
        """The truth: the one playlist of this name."""
        [found] = self.playlists(name)
        return found

    def dates(self, name: str) -> dict[str | None, datetime | None]:
        """When each entry was added, by uri."""
        return {entry.uri: entry.added_at for entry in self.playlist(name).entries}

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of our own record."""
        with self.session.database.transaction() as cursor:
            cursor.execute(statement, list(values))
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()] if columns else []

    def age(self, name: str, days: int = 30) -> None:
        """Make all entries look old, so that a kept date can be told from a new one."""
        for entry in self.playlist(name).entries:
            assert entry.added_at is not None
            entry.added_at = entry.added_at - timedelta(days=days)


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """A simulated Spotify with 1,200 songs."""
    with running_sandbox(library_of(likes=1200, albums=0)) as sandbox:
        yield sandbox


@pytest.fixture
def stage(session: Session, spotify: RunningSandbox) -> Stage:
    """A connected account whose sources have just been looked at, and nothing selected yet."""
    return furnished(session, spotify)


def furnished(session: Session, spotify: RunningSandbox) -> Stage:
    """A stage on an empty database and a simulated account."""
    with session.database.transaction() as cursor:
        cursor.execute(TABLES)
    stage = Stage(session, spotify, [track.uri for track in spotify.account.tracks.values()])
    stage.look_at_sources()
    session.spotify.get("me")  # signs in, so that a test counts its own calls
    return stage
