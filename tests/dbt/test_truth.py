"""A generated life through the API, exports of two eras and one-year data: the listens are what was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import temporary_database
from tests.dbt.comparison import Comparison
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import live, tell
from tests.dbt.payloads import Raw, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("America/New_York")
MARTS = ("year_in_review", "listening_by_hour", "listening_streaks", "top_artist_by_month", "library_growth")
YEARS = 0.66  # about 8,000 plays, with both changes of the clock


@pytest.fixture(scope="module")
def told(
    postgres_server: Database,
    template_database: Database,
    dbt_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Comparison]:
    """The warehouse of such a life, built as its sources came in, in a database of another zone."""
    home = tmp_path_factory.mktemp("truth")
    with (
        pytest.MonkeyPatch.context() as patch,
        temporary_database(postgres_server, template=template_database.name, label="warehouse") as database,
    ):
        patch.setenv("TRACKER_HOME", str(home))
        execute(database, f"alter database {database.name} set timezone to 'Asia/Kolkata'")
        life = live(database, years=YEARS)
        warehouse = Warehouse(database, Raw(database), dbt_folder)

        def build() -> None:
            models = ["+unified_tracks", "listens", "play_definitions", *(f"+{mart}" for mart in MARTS)]
            code, output = warehouse.dbt("run", "--select", *models, TRACKER_TIMEZONE=ZONE.key)
            assert code == 0, output

        tell(life, home, build)
        yield Comparison(life, database)


def test_every_event_that_was_shown_is_a_listen_and_no_other_is(told: Comparison) -> None:
    assert told.invented == []
    assert told.lost == []


def test_every_listen_has_its_true_time_and_facts(told: Comparison) -> None:
    assert told.misdated == []
    assert told.mistaken == []


def test_few_listens_are_undecided_and_each_is_declared(told: Comparison) -> None:
    assert 0 < len(told.undecided) < 0.005 * len(told.truth.listens)
    # each missing one is covered by a listen that is told of the same title and undecided
    assert len(told.missing) <= len(told.undecided)


def test_plays_under_each_definition_are_those_counted_in_python(told: Comparison) -> None:
    definitions = told.definitions()
    assert len(definitions) == 4
    assert all(found == expected > 0 for found, expected in definitions.values()), definitions


def test_every_count_and_date_of_a_track_is_the_one_computed_in_python(told: Comparison) -> None:
    assert told.unified_tracks(ZONE) == []


def test_every_figure_of_the_listening_marts_is_the_one_computed_in_python(told: Comparison) -> None:
    found = told.marts(ZONE)
    assert [one for _, differing in found.values() for one in differing[:3]] == []
    assert sum(count for count, _ in found.values()) > 50_000
