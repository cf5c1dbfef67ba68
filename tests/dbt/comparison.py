"""What a warehouse tells of a generated life, beside the truth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.dbt.listening_truth import Figures
from tests.dbt.lives import NOON
from tests.dbt.payloads import rows
from tests.dbt.truth import DEFINITIONS, Columns, Heard, Truth, is_play

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from profiles.database import Database
    from tests.dbt.listening_truth import Table
    from tests.dbt.lives import Life

LISTENS = """
    select
        coalesce(tracks.title, listens.title) as title, listens.played_at, listens.ms_played,
        listens.track_id, listens.is_track_found_by_name, listens.reason_end, listens.is_skipped,
        listens.duration_ms, listens.artist, listens.undecided_about
    from analytics.listens
    left join intermediate.int_tracks as tracks on listens.track_id = tracks.track_id
    order by listens.played_at, listens.listen_id
"""
SECOND = timedelta(seconds=1)
MINUTE = timedelta(seconds=61)


class Found(NamedTuple):
    """A row of `listens`."""

    heard: Heard
    undecided_about: str | None


class Difference(NamedTuple):
    """Of a column of one row."""

    key: Any
    column: str
    found: Any
    expected: Any


class Comparison:
    """Listens against the truth, paired by title, length and time, each with one."""

    def __init__(self, life: Life, database: Database) -> None:
        self.database = database
        self.truth = Truth(life)
        self.found = [Found(Heard(*values), about) for *values, about in rows(database, LISTENS)]
        self.missing: list[Heard] = []
        self.unpaired: list[Found] = []
        self.pairs: list[tuple[Heard, Found]] = []
        true, found = defaultdict(list), defaultdict(list)
        for heard in self.truth.listens:
            true[heard.title].append(heard)
        for one in self.found:
            found[one.heard.title].append(one)
        for title in true.keys() | found.keys():
            self._pair(true[title], found[title])

    def _pair(self, true: list[Heard], found: list[Found]) -> None:
        for heard in true:
            near = [
                (abs(one.heard.played_at - heard.played_at), place)
                for place, one in enumerate(found)
                if one.heard.ms_played == heard.ms_played
            ]
            distance, place = min(near, default=(MINUTE, 0))
            if distance > SECOND:
                self.missing.append(heard)
            else:
                self.pairs.append((heard, found.pop(place)))
        self.unpaired += found

    @property
    def undecided(self) -> list[Found]:
        """Listens that are declared undecided."""
        return [one for one in self.found if one.undecided_about]

    @property
    def undecided_plays(self) -> list[Found]:
        """Those of them that count as plays."""
        return [one for one in self.undecided if is_play(one.heard)]

    @property
    def invented(self) -> list[Found]:
        """Listens that never were, and are not declared undecided."""
        return [one for one in self.unpaired if not one.undecided_about]

    @property
    def lost(self) -> list[Heard]:
        """True events for which not even an undecided listen of that title stands."""
        stands = {one.heard.title for one in self.unpaired if one.undecided_about}
        return [heard for heard in self.missing if heard.title not in stands]

    @property
    def misdated(self) -> list[tuple[Heard, Found]]:
        """Listens that are told at a time at which they did not end, and are not declared undecided."""
        return [
            (heard, one)
            for heard, one in self.pairs
            if heard.ended_at
            and abs(one.heard.played_at - heard.ended_at) > MINUTE
            and not one.undecided_about
        ]

    @property
    def mistaken(self) -> list[tuple[Heard, Found]]:
        """Listens that are told of another track, or otherwise than they were."""
        return [
            (heard, one)
            for heard, one in self.pairs
            if (heard.is_found_by_name, heard.reason_end, heard.is_skipped)
            != (one.heard.is_found_by_name, one.heard.reason_end, one.heard.is_skipped)
            or (not heard.is_found_by_name and heard.track_id != one.heard.track_id)
        ]

    @property
    def listens(self) -> list[Heard]:
        """The true listens, and in place of what the data cannot decide what was declared undecided."""
        return [heard for heard, _ in self.pairs] + [
            one.heard for one in self.unpaired if one.undecided_about
        ]

    def definitions(self) -> dict[str, tuple[int, int]]:
        """Plays under each definition, as told and as computed here."""
        told = dict(rows(self.database, "select play_definition, play_count from analytics.play_definitions"))
        listens = self.listens
        return {name: (told[name], sum(is_play(one, name) for one in listens)) for name in DEFINITIONS}

    def marts(self, zone: ZoneInfo) -> dict[str, tuple[int, list[Difference]]]:
        """How many figures each mart of listening has, and those that differ from what is computed here."""
        complete = dict(
            rows(self.database, "select local_date, completeness from analytics.history_completeness")
        )
        expected = Figures(self.truth, self._with_told_editions(), NOON, zone, complete).by_mart()
        return {mart: self._figures(mart, figures) for mart, figures in expected.items()}

    def _with_told_editions(self) -> list[Heard]:
        """The listens; where a source gave a name alone, with that edition of its recording that is told."""
        told = {id(heard): one.heard.track_id for heard, one in self.pairs if heard.is_found_by_name}
        recordings = self.truth.recordings
        return [
            replace(one, track_id=told[id(one)])
            if id(one) in told and recordings.get(told[id(one)] or "") == recordings[one.track_id or ""]
            else one
            for one in self.listens
        ]

    def _figures(self, mart: str, expected: Table) -> tuple[int, list[Difference]]:
        """Rows by key, which is the first columns of the mart that `expected` names."""
        keys, figures = expected
        columns = list(next(iter(figures.values())))
        told: dict[Any, dict[str, Any]] = {}
        for row in rows(self.database, f"select {', '.join((*keys, *columns))} from analytics.{mart}"):
            told[row[: len(keys)]] = dict(zip(columns, row[len(keys) :], strict=True))
        nothing = dict.fromkeys(columns)
        differing = [
            Difference(key, column, told.get(key, nothing)[column], figures.get(key, nothing)[column])
            for key in told.keys() | figures.keys()
            for column in columns
            if key not in told or key not in figures or not _is_same(told[key][column], figures[key][column])
        ]
        return len(figures) * len(columns), differing

    def unified_tracks(self, zone: ZoneInfo) -> list[Difference]:
        """Every cell of unified_tracks that differs from what is computed here."""
        expected = Columns(self.truth, self.listens, NOON, zone).rows()
        columns = list(next(iter(expected.values())))
        query = f"select track_id, {', '.join(columns)} from analytics.unified_tracks"
        told = {
            track_id: dict(zip(columns, values, strict=True))
            for track_id, *values in rows(self.database, query)
        }
        assert told.keys() == expected.keys()
        return [
            Difference(track_id, column, told[track_id][column], value)
            for track_id, values in expected.items()
            for column, value in values.items()
            if not _is_same(told[track_id][column], value)
        ]


def _is_same(told: Any, expected: Any) -> bool:
    if told is None or expected is None:
        return told is expected
    if isinstance(expected, datetime):
        return bool(abs(told - expected) <= SECOND)
    if isinstance(expected, int | float):
        return bool(abs(told - expected) < 1e-9)
    return bool(told == expected)
