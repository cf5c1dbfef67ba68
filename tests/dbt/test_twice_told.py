"""A sample of lives in two exports that differ: each stream is one listen, or is declared undecided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import session_on
from tests.dbt.payloads import Raw
from tests.dbt.twice_told import Comparison, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

pytestmark = pytest.mark.slow

LIVES = 6
SEED = 11


@pytest.fixture(scope="module")
def told(
    postgres_server: Database,
    template_database: Database,
    dbt_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Comparison]:
    """Lives of sixty artists in one database, built after each of the two imports."""
    folder = tmp_path_factory.mktemp("lives")
    with (
        pytest.MonkeyPatch.context() as patch,
        temporary_database(postgres_server, template=template_database.name, label="warehouse") as database,
    ):
        patch.setenv("TRACKER_HOME", str(folder / "home"))
        warehouse = Warehouse(database, Raw(database), dbt_folder)

        def build() -> None:
            code, output = warehouse.dbt("run", "--select", "+listens")
            assert code == 0, output

        yield Comparison(tell(session_on(database), folder, LIVES, SEED, build), database)


def test_no_stream_is_counted_twice_and_none_is_invented(told: Comparison) -> None:
    assert told.true > 1000
    assert told.told_twice > told.true / 3
    assert told.doubled == []
    assert told.invented == []


def test_no_stream_is_missing_and_each_has_its_true_time(told: Comparison) -> None:
    assert told.missing == []
    assert told.misdated == []


def test_few_streams_are_undecided(told: Comparison) -> None:
    assert 0 < told.surplus.total() < 0.05 * told.true
