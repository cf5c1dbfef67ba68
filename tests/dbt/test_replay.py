"""Replay: what many small builds made is what one build makes from raw, mart by mart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from playlists.recordings import decide
from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import NOON, live
from tests.dbt.payloads import Raw, execute, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
CHECKSUM = """
    select count(*), md5(string_agg(told, '' order by told))
    from (
        select md5((to_jsonb(mart) - array['built_at', 'invocation_id'])::text) as told
        from analytics.{} as mart
    ) as rows_of_mart
"""


def checksums(database: Database) -> dict[str, tuple[int, str]]:
    """Rows and checksum of each mart, without what tells of the run that built it."""
    marts = rows(
        database,
        "select relname from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v') order by 1",
    )
    return {name: rows(database, CHECKSUM.format(name))[0] for (name,) in marts}


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
    """Two months, told by polls and by late and overlapping exports, with a decision, built after each."""
    with temporary_database(postgres_server, template=template_database.name, label="warehouse") as database:
        life = live(database, years=0.17)
        warehouse = Warehouse(database, Raw(database), dbt_folder)
        liked = sorted(life.account.tracks)[::2]
        life.like(liked)
        life.poll(NOON - 40 * DAY, NOON - 20 * DAY)
        warehouse.models()
        life.export("extended", home, NOON - 62 * DAY, NOON - 30 * DAY)
        life.poll(NOON - 15 * DAY, NOON - 1 * DAY)
        warehouse.models()
        life.export("account", home, NOON - 35 * DAY, NOON - 10 * DAY, seed=3)
        decide(database, "merge", liked[0], liked[1], "one song")
        warehouse.models()
        life.poll(NOON - 1 * DAY, NOON)
        warehouse.models()
        yield warehouse


def test_a_replay_gives_every_mart_as_it_was(warehouse: Warehouse) -> None:
    before = checksums(warehouse.database)
    for schema in ("staging", "intermediate", "analytics"):
        execute(warehouse.database, f"drop schema {schema} cascade")
    warehouse.build()
    after = checksums(warehouse.database)
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert before.keys() == after.keys()
    assert before["listens"][0] > 1000
    assert before["unified_tracks"][0] > 100
