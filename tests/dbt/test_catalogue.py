"""Availability, genres and the inventory of API fields, from raw rows to the marts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

JANUARY, MARCH, MAY = "2026-01-01T10:00:00+00:00", "2026-03-01T10:00:00+00:00", "2026-05-01T10:00:00+00:00"
Library = dict[str, dict[str, Any]]


def answer(
    warehouse: Warehouse, track_id: str, *, is_playable: bool, at: str, reason: str | None = None
) -> None:
    """An answer as extract writes it: the row where it changes, the question always."""
    execute(warehouse.database, "delete from raw_spotify.track_availability where track_id = %s", [track_id])
    execute(
        warehouse.database,
        "insert into raw_spotify.track_availability (track_id, market, is_playable, reason, checked_at,"
        " _dlt_load_id, _dlt_id) values (%s, 'GB', %s, %s, %s, '1', '1')",
        [track_id, is_playable, reason, at],
    )
    ask(warehouse, track_id, at, answered_at=at)


def ask(warehouse: Warehouse, track_id: str, at: str, *, answered_at: str | None) -> None:
    execute(
        warehouse.database,
        "insert into ops.catalog_checks values ('track', 'GB', %s, %s, %s) on conflict (kind, market, key)"
        " do update set asked_at = excluded.asked_at, answered_at = excluded.answered_at",
        [track_id, at, answered_at],
    )


def look(warehouse: Warehouse) -> Library:
    found = rows(warehouse.database, "select to_jsonb(t) from analytics.unified_tracks as t")
    return {row["track_id"]: row for (row,) in found}


@pytest.fixture(scope="module")
def first(warehouse: Warehouse) -> Library:
    """The library after the first build."""
    raw = warehouse.raw
    for id_ in ("plays", "blocked", "unknown", "silent"):
        raw.like(track(id_, artist="Blur" if id_ == "unknown" else "Pulp"), JANUARY)
    answer(warehouse, "plays", is_playable=True, at=JANUARY)
    ask(warehouse, "plays", MARCH, answered_at=MARCH)
    answer(warehouse, "blocked", is_playable=False, at=JANUARY, reason="market")
    ask(warehouse, "silent", MARCH, answered_at=None)
    execute(
        warehouse.database,
        "insert into raw_spotify.artists values ('artist-Pulp', %s, now(), '1', '1')",
        ['{"id": "artist-Pulp", "name": "Pulp", "genres": ["britpop", "art rock"]}'],
    )
    for path, counts in {"genres.0": "100, 80, 20", "id": "100, 100, 0"}.items():
        execute(
            warehouse.database,
            f"insert into ops.api_fields values ('artists', %s, now(), now(), now(), {counts})",
            [path],
        )
    models = ("+unified_tracks", "+api_fields", "+playlist_never_played", "+track_availability_history")
    warehouse.models("--select", *models)
    return look(warehouse)


def test_a_track_is_playable_as_last_answered(first: Library) -> None:
    assert (first["plays"]["is_playable"], first["blocked"]["is_playable"]) == (True, False)


def test_availability_without_an_answer_is_unknown(first: Library) -> None:
    for id_ in ("unknown", "silent"):
        assert (first[id_]["is_playable"], first[id_]["playable_checked_at"]) == (None, None)


def test_an_unchanged_answer_was_checked_when_it_was_last_confirmed(first: Library) -> None:
    assert first["plays"]["playable_checked_at"] == MARCH
    assert first["blocked"]["playable_checked_at"] == JANUARY


def test_genres_are_those_of_the_first_artist(first: Library) -> None:
    assert first["plays"]["genres"] == ["britpop", "art rock"]
    assert first["unknown"]["genres"] == []


def test_an_unknown_track_stays_in_its_selections_where_an_unplayable_one_leaves(
    warehouse: Warehouse, first: Library
) -> None:
    selected = rows(warehouse.database, "select track_id from analytics.playlist_never_played")
    assert {id_ for (id_,) in selected} == {"plays", "unknown", "silent"}


def test_a_field_that_dried_up_warns_without_failing_the_build(warehouse: Warehouse, first: Library) -> None:
    assert rows(warehouse.database, "select path from analytics.api_fields where is_dried_up") == [
        ("genres.0",)
    ]
    code, output = warehouse.dbt("test", "--select", "assert_no_api_field_dries_up")
    assert code == 0, output
    assert "WARN 1" in output


def test_the_history_of_an_answer_is_kept(warehouse: Warehouse, first: Library) -> None:
    answer(warehouse, "plays", is_playable=False, at=MAY, reason="product")
    execute(warehouse.database, "delete from raw_spotify.track_availability where track_id = 'blocked'")
    warehouse.models("--select", "+track_availability_history")
    history = rows(
        warehouse.database,
        "select track_id, is_playable, reason, dbt_valid_from::timestamptz, dbt_is_deleted"
        " from snapshots.track_availability_history order by track_id, dbt_valid_from",
    )
    assert [(id_, playable, reason, gone) for id_, playable, reason, _, gone in history] == [
        ("blocked", False, "market", "False"),
        ("blocked", False, "market", "True"),
        ("plays", True, None, "False"),
        ("plays", False, "product", "False"),
    ]
    assert [moment.isoformat() for id_, _, _, moment, _ in history if id_ == "plays"] == [JANUARY, MAY]
