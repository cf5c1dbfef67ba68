"""A newer version of the product on a warehouse that an older one has built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

SONG = track("song", isrc="GB01")


def plays(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """When the song was played, and how often its recording is said to have been."""
    counted = rows(warehouse.database, "select play_count from analytics.unified_tracks")
    return [
        *rows(warehouse.database, "select played_at::text from analytics.plays order by played_at"),
        *counted,
    ]


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Three loads, and a build after each."""
    warehouse.raw.like(SONG, "2026-01-01T10:00:00Z")
    for day in (1, 2, 3):
        warehouse.raw.play(SONG, f"2026-05-0{day}T10:00:00Z")
        warehouse.models("--selector", "after_poll" if day > 1 else "nightly")
    return warehouse


@pytest.fixture(scope="module")
def updated(built: Warehouse) -> Warehouse:
    """A poll's build makes reports and listens anew, because another version made them; then a play comes."""
    execute(
        built.database,
        "update ops.data_versions set data_version = 0 where relation like '%int_play_reports'",
    )
    built.models("--selector", "after_poll")
    built.raw.play(SONG, "2026-05-04T10:00:00Z")
    built.build("--selector", "after_poll")
    return built


def test_plays_after_the_reports_were_made_anew_are_counted(updated: Warehouse) -> None:
    assert plays(updated) == [(f"2026-05-0{day} 10:00:00+00",) for day in (1, 2, 3, 4)] + [(4,)]


def test_views_on_tables_that_were_made_anew_are_there(updated: Warehouse) -> None:
    assert rows(updated.database, "select sum(listen_count) from analytics.play_sessions") == [(4,)]


def test_a_table_that_became_a_view_is_replaced(built: Warehouse, updated: Warehouse) -> None:
    before = plays(built)
    execute(
        built.database,
        "drop view analytics.plays cascade;"
        " create table analytics.plays as select listen_id as play_id from analytics.listens",
    )
    built.build("--selector", "nightly")
    assert plays(built) == before


def test_results_of_tests_are_deleted_after_thirty_days(built: Warehouse) -> None:
    execute(
        built.database,
        "insert into ops.build_results (invocation_id, unique_id, status, finished_at)"
        " values ('old', 'test', 'pass', now() - interval '31 days'), ('new', 'test', 'pass', now())",
    )
    built.build("--selector", "playlists")
    left = "select invocation_id from ops.build_results where unique_id = 'test'"
    assert rows(built.database, left) == [("new",)]
