"""Answers about availability on their way into the table: only what differs from the stored ones is a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extract.availability.pairing import Answer
from extract.loading import pipeline
from extract.loading.lookup_budget import Kind, read_checks, write_checks
from extract.loading.tables import TRACK_AVAILABILITY, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from profiles.session import Session

CHUNK_ROWS = 1000


class Answers:
    """What one pass learns about one market. `flush` loads it; what was asked is remembered after that."""

    def __init__(self, session: Session, market: str, moment: datetime) -> None:
        self.session = session
        self.market = market
        self.moment = moment
        self.asked_before = read_checks(session.database, "track", market)
        self.rows_written = 0
        self.heard: set[str] = set()
        self._stored = _stored_answers(session, market)
        self._rows: list[Row] = []
        self._asked: dict[tuple[Kind, str], bool] = {}

    def take(self, track_id: str, answer: Answer | None, payload: Mapping[str, Any] | None) -> None:
        """Take what was said of a stored track; None: nothing was said, so what is known stays.

        The first answer of a pass holds: a liked track may come again with its album, as a shorter object.
        """
        if track_id in self.heard:
            return
        self._asked["track", track_id] = answer is not None
        if answer is None:
            return
        self.heard.add(track_id)
        if self._stored.get(track_id) == answer:
            return
        self._rows.append(
            {
                "track_id": track_id,
                "market": self.market,
                "is_playable": answer.is_playable,
                "reason": answer.reason,
                "linked_id": answer.linked_id,
                "checked_at": self.moment,
                "payload": None if payload is None else dict(payload),
            }
        )

    def page_done(self, kind: Kind, number: int) -> None:
        """Note that a page was asked and dealt with. Loads a chunk when enough has gathered."""
        self._asked[kind, str(number)] = True
        if len(self._rows) >= CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        """Load the answers, then remember what was asked: a kill in between asks again."""
        rows, asked = self._rows, self._asked
        self._rows, self._asked = [], {}
        loaded = pipeline.load(self.session, "catalog", {TRACK_AVAILABILITY: rows})
        for refused in loaded.rejected:
            asked.pop(("track", refused.key.split()[0]), None)
        write_checks(self.session.database, asked, self.moment, self.market)
        self.rows_written += loaded.rows


def _stored_answers(session: Session, market: str) -> dict[str, Answer]:
    with session.database.transaction() as cursor:
        cursor.execute(
            "select track_id, is_playable, reason, linked_id from raw_spotify.track_availability"
            " where market = %s",
            [market],
        )
        return {track_id: Answer(*answer) for track_id, *answer in cursor}
