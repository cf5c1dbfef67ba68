"""What a build refuses before it changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.dbt import build_lock
from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw, rows

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database

ONE_MODEL = ("run", "--select", "stg_ops__playlists")


def test_a_build_refuses_to_start_beside_one_of_ours(warehouse: Warehouse) -> None:
    with build_lock(warehouse.database, wait=False) as lock:
        assert lock is not None
        code, output = warehouse.dbt(*ONE_MODEL)
        assert code != 0
        assert f"Another build of this warehouse is running (backend {lock.backend_pid})" in output
        assert rows(warehouse.database, "select to_regclass('staging.stg_ops__playlists')") == [(None,)]
        code, output = warehouse.dbt(*ONE_MODEL, **lock.environment())
        assert code == 0, output


def test_a_build_without_ops_says_what_to_do(postgres_server: Database, dbt_folder: Path) -> None:
    with temporary_database(postgres_server, template="template0") as database:
        code, output = Warehouse(database, Raw(database), dbt_folder).dbt(*ONE_MODEL)
    assert code != 0
    assert "Run `tracker env` once" in output


def test_a_time_without_its_zone_is_refused(warehouse: Warehouse) -> None:
    code, output = warehouse.dbt(
        "compile", "--inline", "select {{ as_of() }}", TRACKER_AS_OF="2026-03-01T12:00:00"
    )
    assert code != 0
    assert "has no offset from UTC" in output
