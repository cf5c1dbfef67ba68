"""Days and their counts, in a database whose own zone is neither UTC nor the listener's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

BUILT = ("--select", "+listening_streaks", "+int_recording_totals", "+plays")
DAYS = """
    select local_date::text, play_count, recording_count, track_count
    from analytics.daily_listening order by local_date
"""
STREAKS = """
    select start_day::text, end_day::text, day_count, play_count, is_current
    from analytics.listening_streaks order by start_day
"""
EVERYTHING = "select to_jsonb(t) from analytics.{} as t order by 1"
EDITIONS = (track("single", "Babies", isrc="GB05"), track("album", "Babies", isrc="GB05", album="B"))
OTHER = track("other", "Sunrise", isrc="GB09")


@pytest.fixture(scope="module")
def counted(warehouse: Warehouse) -> Warehouse:
    """Ten days in a row with sixteen plays, of two editions of a song and of another; then one lone day."""
    name = warehouse.database.name
    execute(warehouse.database, f"alter database \"{name}\" set timezone to 'America/New_York'")
    for day in range(1, 11):
        warehouse.raw.play(EDITIONS[day % 2], f"2026-03-{day:02}T21:30:00.500Z")
    for day in (1, 2, 3):
        warehouse.raw.play(EDITIONS[0], f"2026-03-{day:02}T09:00:00Z")
        warehouse.raw.play(OTHER, f"2026-03-{day:02}T10:00:00Z")
    # half past eleven at night in UTC, the 14th in New York, is the 15th in Berlin
    warehouse.raw.play(OTHER, "2026-03-14T23:30:00Z")
    warehouse.models(*BUILT)
    return warehouse


@pytest.mark.fault(16, "streaks")
@pytest.mark.fault(16, "counts")
def test_ten_days_in_a_row_are_a_streak_of_ten_with_sixteen_plays(counted: Warehouse) -> None:
    assert rows(counted.database, STREAKS) == [
        ("2026-03-01", "2026-03-10", 10, 16, False),
        ("2026-03-15", "2026-03-15", 1, 1, False),
    ]


@pytest.mark.fault(16, "editions")
def test_a_play_counts_once_though_its_song_is_known_in_two_editions(counted: Warehouse) -> None:
    days = {day: counts for day, *counts in rows(counted.database, DAYS)}
    assert days["2026-03-01"] == [3, 2, 3]
    assert days["2026-03-05"] == [1, 1, 1]
    totals = "select recording_id, play_count from intermediate.int_recording_totals where play_count > 0"
    assert dict(rows(counted.database, totals)) == {"isrc:GB05": 13, "isrc:GB09": 4}
    assert rows(counted.database, "select count(*) from analytics.plays") == [(17,)]


@pytest.mark.fault(17, "database")
def test_times_are_the_same_whatever_the_zone_of_the_database(counted: Warehouse) -> None:
    assert rows(counted.database, "show timezone") == [("UTC",)], "our own connections name their zone"
    assert rows(counted.database, "select setconfig::text from pg_db_role_setting") == [
        ("{TimeZone=America/New_York}",)
    ]
    query = """
        select (select to_char(min(played_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')
            from analytics.plays where track_id = 'album'), max(local_date)::text from analytics.plays
    """
    assert rows(counted.database, query) == [("2026-03-01 21:30:00.500", "2026-03-15")]


@pytest.fixture(scope="module")
def recounted(counted: Warehouse) -> Warehouse:
    """After late plays, one of them on the day after the ten, and a split of the two editions."""
    counted.raw.play(OTHER, "2026-03-11T12:00:00Z", "2026-03-05T12:00:00Z")
    execute(
        counted.database,
        "insert into ops.recording_overrides (kind, track_id, other_track_id, reason)"
        " values ('split', 'album', 'single', 'another take')",
    )
    counted.models(*BUILT)
    return counted


def everything(warehouse: Warehouse) -> list[Any]:
    return [rows(warehouse.database, EVERYTHING.format(t)) for t in ("daily_listening", "listening_streaks")]


def test_late_plays_count_in_their_own_days_and_lengthen_the_streak(recounted: Warehouse) -> None:
    assert rows(recounted.database, STREAKS)[0] == ("2026-03-01", "2026-03-11", 11, 18, False)
    days = {day: counts for day, *counts in rows(recounted.database, DAYS)}
    assert days["2026-03-05"] == [2, 2, 2]
    assert days["2026-03-01"] == [3, 3, 3], "a split of two editions reaches the days of their plays"


def test_days_counted_after_changes_equal_days_counted_at_once(recounted: Warehouse) -> None:
    by_change = everything(recounted)
    left = "select count(*) from intermediate.touched_days where 'daily_listening' = any(readers)"
    assert rows(recounted.database, left) == [(0,)]
    recounted.models(*BUILT, "--full-refresh")
    assert everything(recounted) == by_change


@pytest.mark.fault(17, "listener")
def test_days_follow_the_listeners_zone_and_no_built_in_one(recounted: Warehouse) -> None:
    recounted.models(*BUILT, TRACKER_TIMEZONE="Pacific/Auckland")
    days = {day: counts for day, *counts in rows(recounted.database, DAYS)}
    # 21:30 on the 1st in UTC is the 2nd in Auckland; 9 and 10 o'clock are still the 1st
    assert days["2026-03-01"] == [2, 2, 2]
    assert days["2026-03-15"] == [1, 1, 1], "half past eleven on the 14th in UTC"
