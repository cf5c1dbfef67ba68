"""A generated life through the API, exports of two eras and one-year data: what is told is what was heard."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import NOON, Life, live
from tests.dbt.payloads import Raw, execute, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database
    from sandbox.model import Play

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
LISTENS = """
    select
        coalesce(tracks.title, listens.title) as title,
        coalesce(tracks.artist, listens.artist) as artist,
        listens.played_at, listens.ms_played, listens.is_undecided, listens.source
    from analytics.listens
    left join intermediate.int_tracks as tracks on listens.track_id = tracks.track_id
    order by listens.played_at
"""


class Told:
    """Listens against the truth, paired by name and time."""

    def __init__(self, life: Life, database: Database) -> None:
        listens: dict[str, list[tuple[Any, ...]]] = {}
        for title, _artist, *rest in rows(database, LISTENS):
            listens.setdefault(title, []).append(tuple(rest))
        self.count = sum(map(len, listens.values()))
        self.missing: list[Play] = []
        self.invented: list[tuple[Any, ...]] = []
        truth = life.truth()
        self.true_count = sum(map(len, truth.values()))
        for name in truth.keys() | listens.keys():
            self._pair(truth.get(name, []), listens.get(name, []))

    def _pair(self, plays: list[Play], listens: list[tuple[Any, ...]]) -> None:
        left = list(listens)
        for play in plays:
            near = [
                one
                for one in left
                # one-year data alone tells of an offline stream nothing but the minute of its upload
                if any(
                    abs((one[0] - at).total_seconds()) <= 61 for at in (play.ended_at, play.uploaded_at) if at
                )
                and one[1] in (None, play.ms_played)
            ]
            if not near:
                self.missing.append(play)
                continue
            best = min(near, key=lambda one: (one[1] is None, abs((one[0] - play.ended_at).total_seconds())))
            left.remove(best)
        self.invented += left


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("truth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKER_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def told(
    postgres_server: Database, template_database: Database, dbt_folder: Path, home: Path
) -> Iterator[tuple[Life, Warehouse, Told]]:
    """Eight months: overlapping exports of two eras and of one year, polls with a gap, builds in between."""
    with temporary_database(postgres_server, template=template_database.name) as database:
        execute(database, f"alter database {database.name} set timezone to 'Asia/Kolkata'")
        life = live(database, years=0.66)
        warehouse = Warehouse(database, Raw(database), dbt_folder)

        def build() -> None:
            code, output = warehouse.dbt("run", "--select", "+unified_tracks", TRACKER_TIMEZONE=ZONE.key)
            assert code == 0, output

        life.like(sorted(life.account.tracks)[::2])
        life.poll(NOON - 150 * DAY, NOON - 60 * DAY)
        build()
        life.export("endsong", home, NOON - 240 * DAY, NOON - 120 * DAY)
        life.export("extended", home, NOON - 160 * DAY, NOON - 70 * DAY, seed=2)
        life.poll(NOON - 50 * DAY, NOON - 2 * DAY)
        build()
        life.export("account", home, NOON - 90 * DAY, NOON - 30 * DAY, seed=3)
        life.poll(NOON - 2 * DAY, NOON)
        build()
        yield life, warehouse, Told(life, database)


def test_almost_every_event_that_was_shown_is_told_once(told: tuple[Life, Warehouse, Told]) -> None:
    _, _, found = told
    # Bounds of what is reached, not the aim: offline streams that the API and one-year data tell of at
    # different times are still two events.
    assert len(found.missing) <= found.true_count * 0.002
    assert len(found.invented) <= found.true_count * 0.006
