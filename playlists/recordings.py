"""Decisions about recordings: `python -m playlists.recordings merge|split|list|delete`.

A recording is what several tracks are editions of. dbt finds them by ISRC and name; a decision kept in
`ops.recording_overrides` wins over both with the next build, and deleting it undoes it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from profiles.database import open_database
from profiles.errors import InputError, TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        database = open_database(load_settings())
        match given.command:
            case "list":
                _print(overrides(database), is_json=given.json)
            case "delete":
                if not forget(database, given.track, given.other):
                    raise RecordingError("There is no decision about these two.", remedy="See `list`.")
                sys.stdout.write("Deleted. The next build follows.\n")
            case kind:
                made = decide(database, kind, given.track, given.other, given.reason)
                sys.stdout.write(
                    f"Kept: {made.kind} {made.track_id} {made.other_track_id}. The next build follows.\n"
                )
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m playlists.recordings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for kind, what in (
        ("merge", "the recordings of two tracks are one"),
        ("split", "the first track leaves the recording of the second"),
    ):
        command = commands.add_parser(kind, help=what)
        command.add_argument("track", help="id, uri or link")
        command.add_argument("other", help="id, uri or link")
        command.add_argument("--reason", required=True)
    command = commands.add_parser("delete", help="undo a decision")
    command.add_argument("track")
    command.add_argument("other")
    command = commands.add_parser("list", help="all decisions")
    command.add_argument("--json", action="store_true")
    return parser


def _print(found: Sequence[Override], *, is_json: bool) -> None:
    if is_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found]) + "\n")
        return
    for one in found:
        sys.stdout.write(f"{one.kind}  {one.track_id}  {one.other_track_id}  {one.reason}\n")


def _id(track: str) -> str:
    found = _ID.fullmatch(track.strip())
    if found is None:
        raise RecordingError(f"{track!r} names no track.", remedy="Give its id, uri or link.")
    return found[1]


if __name__ == "__main__":
    raise SystemExit(main())
