"""Rows on playlists, as their pages read them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.views.rows import COLUMN
from playlists.slugs import EXCLUSIONS, MODEL_PREFIX

if TYPE_CHECKING:
    from datetime import datetime

    from flows.views.rows import Reader
    from playlists.standing import Standing

SHOWN_TRACKS = 50
SHOWN_PUSHES = 20
GRAIN = "Grain: one track per position."

OFF = "off"
TRACKS = """
    left join analytics.unified_tracks using (track_id)
    where position <= %s
    order by slug, position
"""
CHANGED_TRACKS = """
    left join (
        select distinct on (track_uri) track_uri, play_count, last_played_at from analytics.unified_tracks
        order by track_uri
    ) as library using (track_uri)
    where track_uri = any(%s)
"""
CHANGES = """
    where push_id in (
        select max(push_id) from ops.playlist_pushes
        where status = 'done' and operations <> '[]'
        group by slug
    )
"""
HISTORY = """
    where push_id in (
        select latest.push_id
        from ops.playlists as listed
        cross join lateral (
            select pushes.push_id from ops.playlist_pushes as pushes
            where pushes.slug = listed.slug order by pushes.push_id desc limit %s
        ) as latest
    )
    order by slug, push_id desc
"""


@dataclass(frozen=True)
class SelectedTrack:
    """One position of a selection, with what the library knows of it."""

    slug: str
    position: int
    track_id: str
    title: str | None
    artist: str | None
    album: str | None
    album_image_url: str | None
    play_count: int | None
    last_played_at: datetime | None


@dataclass(frozen=True)
class ChangedTrack:
    """A track that came or went with a push."""

    track_uri: str
    title: str | None
    artist: str | None
    album: str | None
    play_count: int | None
    last_played_at: datetime | None


@dataclass(frozen=True)
class LastChange:
    """The last push of a playlist that changed something. Entries are {uri, added_at}."""

    slug: str
    push_id: int
    started_at: datetime
    before_uris: list[dict[str, Any]] | None
    after_uris: list[dict[str, Any]] | None

    @property
    def added(self) -> list[str]:
        """The uris that came, in their order."""
        return _surplus(self.after_uris, self.before_uris)

    @property
    def removed(self) -> list[str]:
        """The uris that went, in their order."""
        return _surplus(self.before_uris, self.after_uris)


def _surplus(of: list[dict[str, Any]] | None, over: list[dict[str, Any]] | None) -> list[str]:
    left = Counter(entry["uri"] for entry in over or () if entry["uri"])
    found = []
    for uri in [entry["uri"] for entry in of or () if entry["uri"]]:
        if left[uri]:
            left[uri] -= 1
        else:
            found.append(uri)
    return found


@dataclass(frozen=True)
class PushLine:
    """One push in a playlist's history."""

    slug: str
    push_id: int
    started_at: datetime
    status: str
    reason: str | None
    error: str | None
    calls: int
    track_count: int | None = field(metadata={COLUMN: "jsonb_array_length(after_uris)"})
    undo_of: int | None


@dataclass(frozen=True)
class Playlists:
    """Everything that these pages show."""

    standings: list[Standing]
    descriptions: dict[str, str]
    """Of the models, by slug."""
    tracks: dict[str, list[SelectedTrack]]
    changes: dict[str, LastChange]
    names: dict[str, ChangedTrack]
    history: dict[str, list[PushLine]]
    next_push: str
    """When, in words."""

    @property
    def with_page(self) -> list[Standing]:
        """The playlists that have ever been on."""
        return [each for each in self.standings if has_page(each)]


def has_page(standing: Standing) -> bool:
    """Say whether a playlist has a page of its own: it is on, or has been."""
    is_or_was_on = standing.state != OFF or standing.playlist_id is not None
    return is_or_was_on and standing.slug != EXCLUSIONS


def read(reader: Reader, standings: list[Standing], *, next_push: str) -> Playlists:
    """Read what the pages show."""
    tracks = reader.rows(SelectedTrack, "analytics.playlist_selections", TRACKS, [SHOWN_TRACKS])
    changes = {each.slug: each for each in reader.rows(LastChange, "ops.playlist_pushes", CHANGES)}
    uris = {uri for each in changes.values() for uri in (*each.added, *each.removed)}
    named = reader.rows(ChangedTrack, "analytics.tracks", CHANGED_TRACKS, [list(uris)])
    history = reader.rows(PushLine, "ops.playlist_pushes", HISTORY, [SHOWN_PUSHES])
    return Playlists(
        standings=standings,
        descriptions=_descriptions(reader),
        tracks=_by_slug(tracks),
        changes=changes,
        names={each.track_uri: each for each in named},
        history=_by_slug(history),
        next_push=next_push,
    )


def _by_slug(rows: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.slug, []).append(row)
    return found


def _descriptions(reader: Reader) -> dict[str, str]:
    reader.cursor.execute(
        "select relname, obj_description(oid, 'pg_class') from pg_class"
        " where relnamespace = to_regnamespace('analytics') and starts_with(relname, %s)",
        [MODEL_PREFIX],
    )
    return {
        relation.removeprefix(MODEL_PREFIX): text.removeprefix(GRAIN).strip()
        for relation, text in reader.cursor.fetchall()
        if text
    }
