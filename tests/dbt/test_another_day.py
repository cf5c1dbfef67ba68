"""A build as of another day is refused, and what such builds once wrote into snapshots is taken back."""

from __future__ import annotations

import json
import random
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from profiles import simulated_time
from tests.conftest import temporary_database
from tests.dbt.conftest import NOON, Warehouse
from tests.dbt.payloads import Raw, execute, rows, track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database

DAY = timedelta(days=1)
NOW = datetime.fromisoformat(NOON)
HISTORY = "snapshots.playlist_selections_history"
READ = f"""
    select slug, position, track_id, dbt_is_deleted, dbt_valid_from, dbt_valid_to
    from {HISTORY} order by slug, position, dbt_valid_from
"""
PLAYLISTS = ("playlist_recently_added", "playlist_fair_shuffle")
PRETEND_OLD = "update ops.installation set simulated_at = to_timestamp(0), snapshots_repaired_at = now()"
BUILT = """
    select count(*) from pg_class
    where relnamespace in (select oid from pg_namespace where nspname in ('analytics', 'snapshots'))
"""
EMPTY = """
    select
        '' as slug, 0 as position, '' as track_id, '' as dbt_is_deleted,
        now() as dbt_updated_at, now() as dbt_valid_from, now() as dbt_valid_to
    where false
"""
REPAIR = """
    {%- set node = graph.nodes['snapshot.spotify_tracker.playlist_selections_history'] -%}
    {%- set table = api.Relation.create(schema='trial', identifier='history') -%}
    {{ _builds_of_other_days([(node, table)]) }}; {{ _repair_snapshot(node, table) }}
"""
UPGRADE = "update ops.installation set snapshots_repaired_at = null"


@pytest.mark.parametrize("command", ["run", "build", "snapshot", "test"])
def test_in_real_time_nothing_is_built_as_of_another_day(warehouse: Warehouse, command: str) -> None:
    simulated_time.end(warehouse.database)
    try:
        code, printed = warehouse.dbt(command)
        assert code != 0
        assert f"as_of is set to {NOON}, and this database holds a real listening history" in printed
        code, printed = warehouse.dbt(
            command, "--vars", json.dumps({"as_of": "2026-03-01T12:00:00Z"}), TRACKER_AS_OF=""
        )
        assert code != 0
        assert "as_of is set to 2026-03-01T12:00:00Z" in printed
        assert rows(warehouse.database, BUILT) == [(0,)]
        code, printed = warehouse.dbt("compile", "--inline", "select {{ as_of() }} as moment")
        assert (code, "2026-06-15" in printed) == (0, True)
    finally:
        simulated_time.begin(warehouse.database)


@pytest.fixture(scope="module")
def lived(warehouse: Warehouse) -> Warehouse:
    """Forty likes of two months, built on two days."""
    for number in range(40):
        added_at = NOW - timedelta(days=60) + number * 1.5 * DAY
        warehouse.raw.like(track(f"like{number:02}", f"Song {number}"), added_at.isoformat())
    warehouse.models("--select", *(f"+{name}" for name in (*PLAYLISTS, "stored_rule_selections")))
    select(warehouse, NOW)
    warehouse.raw.like(track("later", "Later"), (NOW + DAY / 2).isoformat())
    warehouse.models("--select", "+unified_tracks", TRACKER_AS_OF=(NOW + DAY).isoformat())
    select(warehouse, NOW + DAY)
    return warehouse


def select(warehouse: Warehouse, moment: datetime) -> str:
    """Build the playlists and their history as of a moment; returns what dbt printed."""
    models = (*PLAYLISTS, "playlist_selections", "playlist_selections_history")
    environment = {"TRACKER_AS_OF": moment.isoformat(), "TRACKER_STANDING_PLAYLISTS_ONLY": "1"}
    return warehouse.models("--select", *models, **environment)


@contextmanager
def copied(warehouse: Warehouse, server: Database) -> Iterator[Warehouse]:
    """A copy of the warehouse. One at a time: dbt parses its project anew for each name of a database."""
    with temporary_database(server, template=warehouse.database.name, label="copy") as database:
        yield replace(warehouse, database=database, raw=Raw(database))


def test_a_history_that_builds_of_other_days_damaged_becomes_what_it_would_be_without_them(
    lived: Warehouse, postgres_server: Database
) -> None:
    with copied(lived, postgres_server) as twin:
        select(twin, NOW + 9 * DAY)
        undamaged = rows(twin.database, READ)
    with copied(lived, postgres_server) as damaged:
        for days_ago in (20, 30):
            execute(damaged.database, PRETEND_OLD)
            select(damaged, NOW - days_ago * DAY)
        is_negative = "dbt_valid_to < dbt_valid_from"
        ((negative,),) = rows(damaged.database, f"select count(*) from {HISTORY} where {is_negative}")
        assert negative > 20
        execute(damaged.database, UPGRADE)
        execute(damaged.database, "update ops.installation set simulated_at = to_timestamp(0)")
        printed = select(damaged, NOW + 9 * DAY)
        assert f"playlist_selections_history: {negative} rows end before they begin" in printed
        assert rows(damaged.database, READ) == undamaged
        kept = "select count(*) >= %s from ops.repaired_rows where relation = %s"
        assert rows(damaged.database, kept, [negative, HISTORY]) == [(True,)]


@dataclass
class Snapshot:
    """What dbt's snapshot by check of one column does, with deletions as records."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def take(self, state: dict[int, str], at: datetime) -> None:
        standing = {row["position"]: row for row in self.rows if row["valid_to"] is None}
        for position in state.keys() | standing.keys():
            row, new = standing.get(position), state.get(position)
            if row is None or (row["track_id"], row["is_deleted"]) != (
                new or row["track_id"],
                str(new is None),
            ):
                if row is not None:
                    row["valid_to"] = at
                self.rows.append(
                    {
                        "position": position,
                        "track_id": new or (row or {})["track_id"],
                        "is_deleted": str(new is None),
                        "valid_from": at,
                        "valid_to": None,
                    }
                )

    def told(self) -> list[tuple[str, ...]]:
        return sorted(as_told(*row.values()) for row in self.rows)


def as_told(position: int, track_id: str, is_deleted: str, *period: datetime | None) -> tuple[str, ...]:
    """A row to be compared, without what a deletion repeats of the row before it."""
    return (str(position), "gone" if is_deleted == "True" else track_id, *map(str, period))


def random_state(dice: random.Random) -> dict[int, str]:
    return {position: dice.choice("abc") for position in range(dice.randint(3, 12))}


def random_history(dice: random.Random) -> tuple[Snapshot, Snapshot, bool]:
    """A history with builds of other days in it, the same without them, and whether it shows all of those.

    It shows one where that ended a row of the build before it, and the next build ended a row of its own.
    """
    damaged, true = Snapshot(), Snapshot()
    began = datetime(2026, 1, 1, tzinfo=UTC)
    state = random_state(dice)
    others: list[tuple[datetime, datetime, datetime]] = []
    for day in range(12):
        state = {**state, **random_state(dice)} if dice.random() < 0.7 else random_state(dice)
        for snapshot in (damaged, true):
            snapshot.take(state, began + day * DAY)
        if day in (5, 6, 9) and dice.random() < 0.7:
            for _ in range(dice.randint(1, 2)):
                other = began + dice.randint(-60, day - 1) * DAY + timedelta(hours=dice.randint(1, 23))
                damaged.take(random_state(dice), other)
                others.append((began + day * DAY, other, began + (day + 1) * DAY))
    ended = {(row["valid_from"], row["valid_to"]) for row in damaged.rows}
    is_shown = all((before, other) in ended and (other, after) in ended for before, other, after in others)
    return damaged, true, is_shown


@pytest.fixture(scope="module")
def repair(warehouse: Warehouse) -> str:
    """The SQL of the repair of one snapshot, as the macro writes it."""
    execute(
        warehouse.database,
        f"create schema trial; create table trial.history as {EMPTY}",
    )
    [answer] = warehouse.ask(["compile", "--inline", REPAIR])
    assert not answer.error
    return answer.compiled


def repaired(database: Database, repair: str, snapshot: Snapshot) -> list[tuple[str, ...]]:
    """The rows after the repair, which is done twice: the second time changes nothing."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("truncate trial.history, ops.repaired_rows")
        cursor.executemany(
            "insert into trial.history values ('mine', %(position)s, %(track_id)s, %(is_deleted)s,"
            " %(valid_from)s, %(valid_from)s, %(valid_to)s)",
            snapshot.rows,
        )
        connection.commit()
        cursor.execute(repair)
        connection.commit()
        cursor.execute(repair)
        assert cursor.rowcount == 0
        cursor.execute(
            "select position, track_id, dbt_is_deleted, dbt_valid_from, dbt_valid_to from trial.history"
        )
        return sorted(as_told(*row) for row in cursor.fetchall())


def test_random_histories_are_repaired_to_the_truth(warehouse: Warehouse, repair: str) -> None:
    dice = random.Random(20260615)
    count_repaired = 0
    for number in range(300):
        damaged, true, is_shown = random_history(dice)
        if is_shown and damaged.rows != true.rows:
            count_repaired += 1
            assert repaired(warehouse.database, repair, damaged) == true.told(), f"history {number}"
    assert count_repaired > 100
