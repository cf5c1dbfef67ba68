"""Spotify's answers about availability. Only those that differ from the stored ones become rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extract.availability.pairing import Availability
from extract.loading.lookup_budget import Kind, read_checks, write_checks
from extract.loading.tables import TRACK_AVAILABILITY, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extract.loading.syncing import Sync
    from profiles.database import Database

CHUNK_ROWS = 1000


class Answers:
    """The answers of one sync about one market. `load` stores them, then remembers what was asked."""

    def __init__(self, run: Sync, market: str) -> None:
        self.run = run
        self.market = market
        self.asked_before = read_checks(run.session.database, "track", market)
        self.answered: set[str] = set()
        self._stored = _stored_availability(run.session.database, market)
        self._rows: list[Row] = []
        self._asked: dict[tuple[Kind, str], bool] = {}

    def add(
        self, track_id: str, availability: Availability | None, payload: Mapping[str, Any] | None
    ) -> None:
        """Add what Spotify said of a stored track. None: it said nothing, and the stored answer stays.

        The first answer of a sync counts: a liked track may be listed again with its album, as a shorter
        object.
        """
        if track_id in self.answered:
            return
        self._asked["track", track_id] = availability is not None
        if availability is None:
            return
        self.answered.add(track_id)
        if self._stored.get(track_id) != availability:
            self._rows.append(
                {
                    "track_id": track_id,
                    "market": self.market,
                    "is_playable": availability.is_playable,
                    "reason": availability.reason,
                    "linked_id": availability.linked_id,
                    "checked_at": self.run.started_at,
                    "payload": None if payload is None else dict(payload),
                }
            )

    def finish_page(self, kind: Kind, number: int) -> None:
        """Note that a page was asked for and all its entries added. Loads once a chunk is full."""
        self._asked[kind, str(number)] = True
        if len(self._rows) >= CHUNK_ROWS:
            self.load()

    def load(self) -> None:
        """Load the answers, then remember what was asked. After a kill in between it is asked again."""
        rows, asked = self._rows, self._asked
        self._rows, self._asked = [], {}
        loaded = self.run.load({TRACK_AVAILABILITY: rows})
        for refused in loaded.rejected:
            asked.pop(("track", refused.key.split()[0]), None)
        write_checks(self.run.session.database, asked, self.run.started_at, self.market)


def _stored_availability(database: Database, market: str) -> dict[str, Availability]:
    with database.transaction() as cursor:
        cursor.execute(
            "select track_id, is_playable, reason, linked_id from raw_spotify.track_availability"
            " where market = %s",
            [market],
        )
        return {track_id: Availability(*columns) for track_id, *columns in cursor}
