"""Which tracks are editions of one recording, where ISRC and name cannot tell: the user decides."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State

from flows.pages import refresh_pages
from flows.run.dbt_build import Models, build_step
from flows.run.recorded_run import recorded_flow_run
from flows.views.markdown import escape
from playlists import recordings
from profiles.build_marks import mark_build_due
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from profiles.database import Database

SHOWN = 200
ARTIFACT = "recordings"
DOUBTFUL = """
    select
        concat_ws(' – ', artist, title) as name, track_id, album, play_count,
        concat_ws(' – ', other_artist, other_title) as other_name, other_track_id, other_album,
        other_play_count,
        replace(doubt, '_', ' ') as doubt, is_merged, round(duration_difference_ms / 1000.0) as apart_s
    from analytics.duplicate_recordings
    order by is_in_library desc, play_count + other_play_count desc, track_id, other_track_id
"""


class DoubtfulPair(NamedTuple):
    """Two tracks of which neither ISRC nor name tells whether they are one recording."""

    name: str
    track_id: str
    album: str | None
    play_count: int
    other_name: str
    other_track_id: str
    other_album: str | None
    other_play_count: int
    doubt: str
    is_merged: bool
    apart_s: float | None
    """By how much their lengths differ."""


class Decision(StrEnum):
    """What is decided about two tracks."""

    LIST = "list"
    MERGE = "merge"
    SPLIT = "split"
    DELETE = "delete"


def decide(
    database: Database, decision: Decision, track: str | None, other: str | None, reason: str | None
) -> str:
    """Keep, or take back, a decision about two tracks; returns it in words. Raises InputError."""
    if not track or not other:
        raise InputError("A decision is about two tracks.", remedy="Give their ids, uris or links.")
    if decision is Decision.DELETE:
        if not recordings.forget(database, track, other):
            raise InputError("There is no decision about these two.", remedy="See the list of decisions.")
        return f"the decision about {track} and {other} is taken back"
    kind: recordings.Kind = "merge" if decision is Decision.MERGE else "split"
    made = recordings.decide(database, kind, track, other, reason or "")
    return f"{made.kind} {made.track_id} {made.other_track_id}: {made.reason}"


def show(database: Database) -> str:
    """Write the decisions and the doubtful pairs as an artifact; returns their numbers in words."""
    decisions = recordings.overrides(database)
    doubtful = _doubtful(database)
    create_markdown_artifact(
        key=ARTIFACT,
        markdown=markdown(decisions, doubtful),
        description="Decisions about recordings, and pairs to decide on",
    )
    return f"{len(decisions)} decisions, {len(doubtful)} doubtful pairs"


def markdown(decisions: Sequence[recordings.Override], doubtful: Sequence[DoubtfulPair]) -> str:
    """Return both tables."""
    lines = ["# To decide", "", "| one side | plays | other side | plays | doubt | apart | now |"]
    lines += ["|---|---:|---|---:|---|---:|---|"]
    lines += [_doubtful_row(pair) for pair in doubtful[:SHOWN]]
    if len(doubtful) > SHOWN:
        lines += ["", f"… and {len(doubtful) - SHOWN} more in `analytics.duplicate_recordings`."]
    lines += ["", "# Decided", "", "| decision | track | other | reason |", "|---|---|---|---|"]
    lines += [_decided_row(one) for one in decisions]
    return "\n".join(lines)


@flow(name="decide-recording", flow_run_name="{decision} recordings")
def decide_recording(
    decision: Decision = Decision.LIST,
    track: str | None = None,
    other: str | None = None,
    reason: str | None = None,
    build: bool = True,
) -> State[Any]:
    """Say that two tracks are one recording, or are not; list what is decided and what is doubtful.

    The list is under Artifacts. A decision wins over ISRC and name, all plays are counted accordingly, and
    deleting it restores what was before.

    Args:
        decision: `merge` makes the recordings of both tracks one; `split` takes the first out of the
            recording of the second, or keeps them apart; `delete` takes a decision back; `list` changes
            nothing.
        track: Id, uri or link of a track.
        other: Id, uri or link of the other one.
        reason: Why, so that you know it in a year. Needed to merge and to split.
        build: Refresh all models afterwards. Without it the next build makes up for it.
    """
    with recorded_flow_run(
        "decide-recording", decision=decision, track=track, other=other, reason=reason
    ) as run:
        if decision is not Decision.LIST:
            run.step("decide", decide, run.database, decision, track, other, reason)
            if not run.has_trouble("decide"):
                mark_build_due(run.database)
                if build:
                    run.step("build", build_step, Models.ALL)
                    run.step("pages", refresh_pages)
        run.step("list", show, run.database)
    return run.state


def _doubtful(database: Database) -> list[DoubtfulPair]:
    if not database.relation_exists("analytics.duplicate_recordings"):
        return []
    with database.transaction() as cursor:
        cursor.execute(DOUBTFUL)
        return [DoubtfulPair(*row) for row in cursor.fetchall()]


def _doubtful_row(pair: DoubtfulPair) -> str:
    cells = [
        _side(pair.name, pair.album, pair.track_id),
        pair.play_count,
        _side(pair.other_name, pair.other_album, pair.other_track_id),
        pair.other_play_count,
        pair.doubt,
        "?" if pair.apart_s is None else f"{pair.apart_s} s",
        "one" if pair.is_merged else "two",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _decided_row(one: recordings.Override) -> str:
    return f"| {one.kind} | `{one.track_id}` | `{one.other_track_id}` | {escape(one.reason)} |"


def _side(name: str, album: str | None, track_id: str) -> str:
    return f"{escape(name)}{f' ({escape(album)})' if album else ''}<br>`{track_id}`"
