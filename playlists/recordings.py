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


def _id(track: str) -> str:
    found = _ID.fullmatch(track.strip())
    if found is None:
        raise RecordingError(f"{track!r} names no track.", remedy="Give its id, uri or link.")
    return found[1]
