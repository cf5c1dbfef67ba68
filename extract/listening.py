"""The poll of recently played tracks. Only the latest fifty can be asked for: what is missed is lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extract.loading import pipeline, quarantine
from extract.loading.clean import Rejected, clean, parse_time, text_or_none
from extract.loading.source_checks import write_check
from extract.loading.tables import RECENTLY_PLAYED, Row
from extract.loading.whole_view import is_gap_suspected
from extract.report import PollOutcome, PollReport
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import Deferred

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from profiles.database import Database
    from profiles.session import Session

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
UNKNOWN_URI = "spotify:unknown"
"""Stands for a track that Spotify withholds: the play must neither be lost nor be new in each poll."""


@dataclass(frozen=True)
class _Poll:
    """One row of `ops.play_polls`."""

    polled_at: datetime
    outcome: str
    item_count: int = 0
    new_count: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    gap_suspected: bool = False
    error: str | None = None


def poll(session: Session) -> PollReport:
    """Ask for the latest fifty plays and load those not known, in one call.

    Always all fifty, without a cursor: plays of a device that was offline arrive late and out of order. The
    poll's own row is committed before the plays are loaded, also for a poll that failed or was deferred
    (then the error is raised): a gap that it saw is not forgotten by a crash. Nothing new starts no load.
    """
    calls_before = session.spotify.calls_made
    with advisory_lock(session.database, "extract:recently_played", wait=False) as is_mine:
        if not is_mine:
            logger.info("recently_played: skipped, another process is polling")
            return PollReport("skipped", 0, 0, gap_suspected=False, calls=0)
        polled_at = as_of(session.settings)
        try:
            pipeline.ensure_tables(session, "listening")
            pipeline.finish_pending(session, "listening")
            answer = session.spotify.get("me/player/recently-played", limit=PAGE_SIZE)
            # in a private session the answer has been 204 without a body
            items = list((answer or {}).get("items") or [])
        except BaseException as error:
            outcome = "deferred" if isinstance(error, Deferred) else "failed"
            _record(session.database, _Poll(polled_at, outcome, error=_said(error)))
            raise
        report = _take(session, items, polled_at)
    return PollReport(
        report.outcome,
        report.count,
        report.new,
        report.gap_suspected,
        session.spotify.calls_made - calls_before,
    )


def _take(session: Session, items: Sequence[Any], polled_at: datetime) -> PollReport:
    rows, unreadable = _rows(items)
    moments = [row["played_at"] for row in rows]
    newest_known = _newest_known(session.database)
    new = _unknown(session.database, rows)
    outcome: PollOutcome = "new" if new else "nothing_new" if items else "empty"
    oldest = min(moments, default=None)
    gap = is_gap_suspected(len(items), oldest, newest_known, page_size=PAGE_SIZE)
    done = _Poll(
        polled_at,
        outcome,
        item_count=len(items),
        new_count=len(new),
        oldest=oldest,
        newest=max(moments, default=None),
        gap_suspected=gap,
    )
    _record(session.database, done)
    quarantine.store(session, unreadable)
    pipeline.load(session, "listening", {RECENTLY_PLAYED: new})
    write_check(session.database, RECENTLY_PLAYED.name, polled_at, len(items), {"new": len(new)})
    if gap:
        logger.warning(
            "recently_played: all %d plays are new since %s, some may be lost", len(items), newest_known
        )
    logger.info("recently_played: %s, %d of %d plays are new", outcome, len(new), len(items))
    return PollReport(outcome, len(items), len(new), gap, 0)


def _rows(items: Sequence[Any]) -> tuple[list[Row], list[Rejected]]:
    """One row per play (played_at and uri); plays without a readable time are rejected."""
    rows: dict[tuple[datetime, str], Row] = {}
    rejected: list[Rejected] = []
    for came in items:
        item = clean(came) if isinstance(came, dict) else {}
        try:
            played_at = parse_time(item.get("played_at"))
        except ValueError as error:
            rejected.append(Rejected(RECENTLY_PLAYED.name, str(item.get("played_at")), str(error), came))
            continue
        uri = _uri(item.get("track"))
        rows.setdefault((played_at, uri), {"played_at": played_at, "track_uri": uri, "payload": item})
    return list(rows.values()), rejected


def _uri(track: Any) -> str:
    track = track if isinstance(track, dict) else {}
    if uri := text_or_none(track.get("uri")):
        return uri
    id_ = text_or_none(track.get("id"))
    return f"spotify:track:{id_}" if id_ else UNKNOWN_URI


def _newest_known(database: Database) -> datetime | None:
    with database.transaction() as cursor:
        cursor.execute(
            # where the table had been dropped, the polls still know
            "select coalesce("
            "(select max(played_at) from raw_spotify.recently_played),"
            " (select max(newest_played_at) from ops.play_polls))"
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _unknown(database: Database, rows: Collection[Row]) -> list[Row]:
    """The rows that are neither stored nor in quarantine (those would come back with every poll)."""
    with database.transaction() as cursor:
        cursor.execute(
            "select played_at, track_uri from raw_spotify.recently_played"
            " where played_at = any(%s) and payload is not null",  # it was, if its column had been dropped
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


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _record(database: Database, poll: _Poll) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            """
            insert into ops.play_polls (polled_at, outcome, item_count, new_count, oldest_played_at,
                                        newest_played_at, gap_suspected, error)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                poll.polled_at,
                poll.outcome,
                poll.item_count,
                poll.new_count,
                poll.oldest,
                poll.newest,
                poll.gap_suspected,
                poll.error,
            ],
        )
