"""What somebody types first into a terminal, on a database that nobody has built anything in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from profiles.dbt import build_lock
from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw, execute, make_raw_tables, rows, track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

FUNCTION = "select to_regprocedure('analytics.places_apart(integer[], integer)')"
COUNTED = ("plays", "daily_listening", "unified_tracks")
DATA_TESTS_AND_A_UNIT_TEST = ("--select", "test_type:data", "playlist_now_playable_again")


@pytest.fixture
def empty(postgres_server: Database, template_database: Database, dbt_folder: Path) -> Iterator[Warehouse]:
    """A database with raw tables and nothing in it."""
    with temporary_database(postgres_server, template=template_database.name, label="first") as database:
        make_raw_tables(database)
        yield Warehouse(database, Raw(database), dbt_folder)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["test"], "`dbt test` reads what nobody has made yet: "),
        (["snapshot"], "`dbt snapshot` reads what nobody has made yet: "),
        (["run", "--select", "plays"], "`dbt run` reads what nobody has made yet: "),
    ],
)
def test_what_needs_relations_that_are_not_there_stops_with_one_line(
    empty: Warehouse, arguments: list[str], said: str
) -> None:
    code, output = empty.dbt(*arguments)
    assert code != 0
    [line] = [line for line in output.splitlines() if "nobody has made" in line]
    assert said in line
    assert line.endswith("Run `dbt run` first.")
    assert "ERROR=" not in output
    made = "select count(*) from pg_class where relnamespace in (%s::regnamespace, %s::regnamespace)"
    execute(empty.database, "create schema if not exists staging; create schema if not exists intermediate")
    assert rows(empty.database, made, ["staging", "intermediate"]) == [(0,)]


def test_without_raw_tables_the_line_names_what_makes_them(empty: Warehouse) -> None:
    execute(empty.database, "drop table raw_spotify.liked_tracks")
    code, output = empty.dbt("run")
    assert code != 0
    assert (
        "`dbt run` reads what nobody has made yet: raw_spotify.liked_tracks. Run `tracker env` first."
        in output
    )


def test_after_a_first_run_the_tests_pass_and_a_run_without_rows_is_made_up_for(empty: Warehouse) -> None:
    code, output = empty.dbt("run")
    assert code == 0, output
    empty.raw.like(track("a"), "2026-05-01T10:00:00Z")
    empty.raw.play(track("a"), "2026-05-02T10:00:00Z")
    code, output = empty.dbt("run")
    assert code == 0, output
    before = [rows(empty.database, f"select * from analytics.{table}") for table in COUNTED]
    assert all(before)
    code, output = empty.dbt("test", *DATA_TESTS_AND_A_UNIT_TEST)
    assert code == 0, output
    code, output = empty.dbt("snapshot")
    assert code == 0, output
    code, output = empty.dbt("run", "--empty")
    assert code == 0, output
    assert rows(empty.database, "select * from analytics.plays") == []
    code, output = empty.dbt("run")
    assert code == 0, output
    assert [rows(empty.database, f"select * from analytics.{table}") for table in COUNTED] == before


def test_any_command_makes_the_function_and_two_at_once_do_not_collide(empty: Warehouse) -> None:
    assert rows(empty.database, FUNCTION) == [(None,)]
    code, output = empty.dbt("run", "--select", "stg_ops__playlists")
    assert code == 0, output
    assert rows(empty.database, FUNCTION) != [(None,)]
    with empty.database.transaction() as cursor:
        cursor.execute("select pg_advisory_xact_lock_shared(hashtextextended('tracker:functions', 0))")
        cursor.execute("set local statement_timeout = '100ms'")
        code, output = empty.dbt("run", "--select", "stg_ops__playlists", PGOPTIONS="-c lock_timeout=200ms")
    assert code != 0
    assert "lock timeout" in output, "it waits for the lock before it replaces the function"


def test_freshness_is_answered_before_the_first_sync_and_beside_a_build(empty: Warehouse) -> None:
    execute(
        empty.database,
        "insert into ops.build_results (invocation_id, unique_id, test_name, status, finished_at)"
        " values ('old', 'test.old', 'old', 'pass', now() - interval '90 days')",
    )
    with build_lock(empty.database, wait=False) as lock:
        assert lock is not None
        code, output = empty.dbt("source", "freshness")
    assert code == 0, output
    assert rows(empty.database, "select count(*) from ops.build_results") == [(1,)]
