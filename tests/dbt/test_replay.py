"""Replay: what many small builds made is what one build makes from raw, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from profiles.dbt import DBT_PROJECT_DIR
from tests.conftest import temporary_database
from tests.dbt import replays
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw
from tests.dbt.random_lives import RandomLife

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

pytestmark = pytest.mark.slow

MODELS = DBT_PROJECT_DIR / "models"
SEED = 1
STEPS = 4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKER_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: Database, template_database: Database, dbt_folder: Path, home: Path
) -> Iterator[Warehouse]:
    """A database without raw tables: the life makes them."""
    with temporary_database(postgres_server, template=template_database.name, label="warehouse") as database:
        yield Warehouse(database, Raw(database), dbt_folder)


def test_one_build_from_raw_gives_the_tables_that_many_small_builds_left(
    warehouse: Warehouse, home: Path
) -> None:
    life = RandomLife(warehouse.database, home, SEED, STEPS)
    replay = replays.replay(warehouse, life)
    assert replay.differences == {}
    incremental = {table.name.partition(".")[2] for table in replay.tables if table.is_incremental}
    models = {
        path.stem for path in MODELS.rglob("*.sql") if "materialized='incremental'" in path.read_text("utf-8")
    }
    assert incremental == models - {name.partition(".")[2] for name in replays.NOT_FROM_RAW}
    assert [
        table.name for table in replay.tables if table.is_incremental and not replay.rows[table.name]
    ] == []
    assert replay.rows["intermediate.int_listens"] > 1000
    assert replay.rows["analytics.unified_tracks"] > 100
