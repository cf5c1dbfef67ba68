"""A bare dbt on a database of an earlier version, whose raw tables lack a column that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

SONG = track("song", "Babies", isrc="GB01")
WITHOUT_COLUMN = """
    select table_name::text from information_schema.columns
    where table_schema = 'raw_spotify' and column_name = 'filled_payload' order by 1
"""


@pytest.fixture(scope="module")
def older(warehouse: Warehouse) -> Warehouse:
    """The raw tables as they were before answers were filled."""
    for (table,) in rows(warehouse.database, WITHOUT_COLUMN):
        execute(warehouse.database, f"alter table raw_spotify.{table} drop column filled_payload")
    warehouse.raw.like(SONG, "2026-01-01T10:00:00Z")
    return warehouse


def titles(warehouse: Warehouse) -> list[tuple[str | None]]:
    return rows(warehouse.database, "select title from analytics.unified_tracks")


def test_a_bare_build_stands_without_the_column_and_uses_it_once_it_is_there(older: Warehouse) -> None:
    older.models("--select", "+unified_tracks")
    assert titles(older) == [("Babies",)]
    execute(older.database, "alter table raw_spotify.liked_tracks add column filled_payload jsonb")
    execute(
        older.database,
        "update raw_spotify.liked_tracks"
        " set filled_payload = payload, payload = jsonb_set(payload, '{track,name}', '\"\"')",
    )
    older.models("--select", "+unified_tracks")
    assert titles(older) == [("Babies",)]
