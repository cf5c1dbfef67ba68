"""Decisions about recordings: which tracks are editions of one, and which are not.

A recording is what several tracks are editions of. dbt finds them by ISRC and name; a decision kept in
`ops.recording_overrides` wins over both with the next build, and deleting it undoes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from profiles.errors import InputError

if TYPE_CHECKING:
    from profiles.database import Database

Kind: TypeAlias = Literal["merge", "split"]
# in the order in which they are asked: what a sync brought is known before a build has seen it
_KNOWN_TRACKS = {
    "analytics.tracks": "select track_id from analytics.tracks where track_id = any(%(ids)s)",
    "raw_spotify.liked_tracks": "select track_id from raw_spotify.liked_tracks where track_id = any(%(ids)s)",
    "raw_spotify.recently_played": "select distinct replace(track_uri, 'spotify:track:', '')"
    " from raw_spotify.recently_played where track_uri = any(%(uris)s)",
}
_ID = re.compile(
    r"(?:spotify:track:|https://open\.spotify\.com/(?:intl-\w+/)?track/)?([0-9A-Za-z]+)(?:\?.*)?"
)


class RecordingError(InputError):
    """A decision that cannot be taken, or is not there."""


@dataclass(frozen=True)
class Override:
    """One decision: `split` takes `track_id` out of the recording of `other_track_id`."""

    kind: Kind
    track_id: str
    other_track_id: str
    reason: str


def decide(database: Database, kind: Kind, track: str, other: str, reason: str) -> Override:
    """Keep a decision about two tracks (ids, uris or links); it takes the place of an earlier one about them.

    Raises RecordingError.
    """
    track_id, other_id = _id(track), _id(other)
    if track_id == other_id:
        raise RecordingError("Both are the same track.", remedy="Name two tracks.")
    if not reason.strip():
        raise RecordingError("A decision needs a reason.", remedy="Say why, so that you know it in a year.")
    if unknown := _unknown_tracks(database, [track_id, other_id]):
        raise RecordingError(
            f"No track of your library or your plays has the id {' or '.join(unknown)}; nothing was kept.",
            remedy="Look it up in analytics.tracks. What was loaded only now is known after `tracker build`.",
        )
    forget(database, track_id, other_id)
    with database.transaction() as cursor:
        cursor.execute(
            "insert into ops.recording_overrides (kind, track_id, other_track_id, reason)"
            " values (%s, %s, %s, %s)",
            [kind, track_id, other_id, reason.strip()],
        )
    return Override(kind, track_id, other_id, reason.strip())


def forget(database: Database, track: str, other: str) -> bool:
    """Delete the decision about two tracks, in whichever order they were named; False where there is none."""
    pair = sorted((_id(track), _id(other)))
    with database.transaction() as cursor:
        cursor.execute(
            "delete from ops.recording_overrides where (track_id, other_track_id) in ((%s, %s), (%s, %s))",
            [*pair, *reversed(pair)],
        )
        return bool(cursor.rowcount)


def overrides(database: Database) -> list[Override]:
    """All decisions, oldest first."""
    with database.transaction() as cursor:
        cursor.execute(
            "select kind, track_id, other_track_id, reason from ops.recording_overrides"
            " order by created_at, track_id"
        )
        return [Override(*row) for row in cursor.fetchall()]


def _unknown_tracks(database: Database, ids: list[str]) -> list[str]:
    """Return those of these ids that no track has which the library or a play knows."""
    unknown = list(ids)
    for relation, query in _KNOWN_TRACKS.items():
        if unknown and database.relation_exists(relation):
            with database.transaction() as cursor:
                cursor.execute(query, {"ids": unknown, "uris": [f"spotify:track:{id_}" for id_ in unknown]})
                found = {id_ for (id_,) in cursor.fetchall()}
            unknown = [id_ for id_ in unknown if id_ not in found]
    return unknown


def _id(track: str) -> str:
    found = _ID.fullmatch(track.strip())
    if found is None:
        raise RecordingError(f"{track!r} names no track.", remedy="Give its id, uri or link.")
    return found[1]
