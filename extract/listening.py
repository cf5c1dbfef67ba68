"""The poll of recently played tracks. Spotify shows the latest fifty plays; what we miss is lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extract.loading import pipeline, quarantine
from extract.loading.clean import Rejected, clean, parse_time, text_or_none
from extract.loading.syncing import Sync, resource_lock
from extract.loading.tables import RECENTLY_PLAYED, Row
from extract.loading.whole_view import PAGE_SIZE, is_gap_suspected
from extract.report import PollReport
from profiles.errors import Deferred

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from extract.report import PollOutcome
    from profiles.database import Database
    from profiles.session import Session

logger = logging.getLogger(__name__)

UNKNOWN_URI = "spotify:unknown"
"""Stands for a track that Spotify withholds: the play must neither be lost nor count as new in each poll."""


@dataclass(frozen=True)
class PlayPoll:
    """One row of `ops.play_polls`, in the order of its columns. Times are UTC."""

    polled_at: datetime
    outcome: str
    item_count: int = 0
    new_count: int = 0
    oldest_played_at: datetime | None = None
    newest_played_at: datetime | None = None
    gap_suspected: bool = False
    error: str | None = None

    def record(self, database: Database) -> None:
        """Insert the row."""
        with database.transaction() as cursor:
            cursor.execute(
                """
                insert into ops.play_polls (
                    polled_at, outcome, item_count, new_count, oldest_played_at, newest_played_at,
                    gap_suspected, error
                )
                values (%s, %s, %s, %s, %s, %s, %s, %s)
                """,
                list(vars(self).values()),
            )


def poll(session: Session) -> PollReport:
    """Ask for the latest fifty plays in one call, and load those that are not stored.

    The request has no cursor: plays of a device that was offline arrive late and out of order. The poll's own
    row is committed before the plays are loaded, so a crash does not forget a gap that was seen. A poll that
    failed or was deferred leaves its row too, then the error is raised. Where nothing is new, dlt is not
    started.
    """
    with resource_lock(session, RECENTLY_PLAYED.name, "listening") as run:
        if not run.has_lock:
            logger.info("recently_played: skipped, another process is polling")
            return PollReport("skipped", 0, 0, gap_suspected=False, calls=0)
        try:
            pipeline.ensure_tables(session, run.group)
            pipeline.finish_pending(session, run.group)
            answer = session.spotify.get("me/player/recently-played", limit=PAGE_SIZE)
            # in a private session the answer has been 204 without a body
            items = list((answer or {}).get("items") or [])
        except BaseException as error:
            outcome = "deferred" if isinstance(error, Deferred) else "failed"
            message = str(error) or type(error).__name__
            PlayPoll(run.started_at, outcome, error=message).record(session.database)
            raise
        return _store_plays(run, items)


def _store_plays(run: Sync, items: Sequence[Any]) -> PollReport:
    database = run.session.database
    rows, unreadable = _play_rows(items)
    times = [row["played_at"] for row in rows]
    oldest, newest = min(times, default=None), max(times, default=None)
    newest_stored = _newest_stored(database)
    new = _without_known(database, rows)
    outcome: PollOutcome = "new" if new else "nothing_new" if items else "empty"
    gap = is_gap_suspected(len(items), oldest, newest_stored)
    PlayPoll(run.started_at, outcome, len(items), len(new), oldest, newest, gap).record(database)
    quarantine.store(run.session, unreadable)
    refused = run.load({RECENTLY_PLAYED: new}).rejected
    run.record_check(len(items), {"new": len(new)})
    if gap:
        logger.warning(
            "recently_played: all %d plays are new since %s, some may be lost", len(items), newest_stored
        )
    logger.info("recently_played: %s, %d of %d plays are new", outcome, len(new), len(items))
    stored = len(new) - len(refused)
    return PollReport(outcome, len(items), stored, gap, run.calls, len(unreadable) + len(refused))


def _play_rows(items: Sequence[Any]) -> tuple[list[Row], list[Rejected]]:
    """One row per play (`played_at` and uri); plays without a readable time are rejected."""
    rows: dict[tuple[datetime, str], Row] = {}
    rejected: list[Rejected] = []
    for item in items:
        play = clean(item) if isinstance(item, dict) else {}
        try:
            played_at = parse_time(play.get("played_at"))
        except ValueError as error:
            rejected.append(Rejected(RECENTLY_PLAYED.name, str(play.get("played_at")), str(error), item))
            continue
        uri = _uri_of(play.get("track"))
        rows.setdefault((played_at, uri), {"played_at": played_at, "track_uri": uri, "payload": play})
    return list(rows.values()), rejected


def _uri_of(track: Any) -> str:
    track = track if isinstance(track, dict) else {}
    if uri := text_or_none(track.get("uri")):
        return uri
    id_ = text_or_none(track.get("id"))
    return f"spotify:track:{id_}" if id_ else UNKNOWN_URI


def _newest_stored(database: Database) -> datetime | None:
    """The time of the newest play. Where the table had been dropped, the polls still tell it."""
    with database.transaction() as cursor:
        cursor.execute(
            "select coalesce("
            "(select max(played_at) from raw_spotify.recently_played),"
            " (select max(newest_played_at) from ops.play_polls))"
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _without_known(database: Database, rows: Collection[Row]) -> list[Row]:
    """The rows that are neither stored nor in quarantine (those would come back with every poll)."""
    with database.transaction() as cursor:
        cursor.execute(
            # a null payload means that its column was dropped and made again: the play is stored once more
            "select played_at, track_uri from raw_spotify.recently_played"
            " where played_at = any(%s) and payload is not null",
            [[row["played_at"] for row in rows]],
        )
        stored = set(cursor.fetchall())
        cursor.execute(
            "select row_key from ops.quarantined_rows where resource = %s and row_key = any(%s)",
            [RECENTLY_PLAYED.name, [RECENTLY_PLAYED.key_of(row) for row in rows]],
        )
        refused = {key for (key,) in cursor.fetchall()}
    return [
        row
        for row in rows
        if (row["played_at"], row["track_uri"]) not in stored and RECENTLY_PLAYED.key_of(row) not in refused
    ]
