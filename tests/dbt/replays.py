"""Tables as many small builds made them, beside the same tables made at once from raw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.dbt import DBT_PROJECT_DIR
from tests.dbt.lint import manifest_of
from tests.dbt.payloads import execute, rows

if TYPE_CHECKING:
    from profiles.database import Database
    from tests.dbt.conftest import Warehouse
    from tests.dbt.data_versions import Manifest
    from tests.dbt.random_lives import RandomLife

# They tell of the build that made a row, and not of what it was made from.
OF_THE_BUILD = ("built_at", "invocation_id", "batch", "version")
# The health of the data tells of the moment at which it is asked. Raw keeps the latest answer about a track
# in a market alone: the times at which it could not be played stand in this table, seeded from the snapshot.
NOT_FROM_RAW = ("analytics.data_health", "intermediate.int_unplayable_tracks")
IDENTITIES = ("listen_id", "play_id", "match_group", "recording_id", "track_key", "track_id", "local_date")
SHOWN = 5


@dataclass(frozen=True)
class Table:
    """A relation that has to come out the same; `key` tells its rows apart, where it declares one."""

    name: str
    key: tuple[str, ...]
    is_incremental: bool

    @property
    def rows(self) -> str:
        """A query of its rows as JSON."""
        columns = ", ".join(f"'{name}'" for name in OF_THE_BUILD)
        return f"select to_jsonb(told) - array[{columns}] as told from {self.name} as told"

    @property
    def kept(self) -> str:
        """Where the rows of the small builds are kept."""
        return f"kept.{self.name.replace('.', '_')}"


@dataclass(frozen=True)
class Replay:
    """What came of it: rows of each table, and of those that differ, which rows do."""

    tables: list[Table]
    rows: dict[str, int]
    differences: dict[str, list[str]]


def replay(warehouse: Warehouse, life: RandomLife) -> Replay:
    """Live, with a small build after each step; then build everything at once, on the same day."""
    for number in range(life.steps):
        life.step()
        is_last = number == life.steps - 1
        selection = () if is_last else ("--select", "+config.materialized:incremental")
        warehouse.models(*selection, TRACKER_AS_OF=life.now.isoformat())
    tables = tables_of(manifest_of(DBT_PROJECT_DIR))
    _keep(warehouse.database, tables)
    warehouse.models("--full-refresh", TRACKER_AS_OF=life.now.isoformat())
    found = {table.name: _count(warehouse.database, table) for table in tables}
    return Replay(tables, found, _differences(warehouse.database, tables))


def tables_of(manifest: Manifest) -> list[Table]:
    """Every incremental model, and every mart, but those that raw does not decide."""
    found = []
    for node in manifest["nodes"].values():
        kind = node["config"]["materialized"] if node["resource_type"] == "model" else None
        if kind == "incremental" or (kind and node["schema"] == "analytics"):
            unique = node["config"].get("unique_key") or _primary_key(node)
            key = (unique,) if isinstance(unique, str) else tuple(unique or ())
            found.append(Table(f"{node['schema']}.{node['alias']}", key, kind == "incremental"))
    compared = [table for table in found if table.name not in NOT_FROM_RAW]
    return sorted(compared, key=lambda table: table.name)


def _keep(database: Database, tables: list[Table]) -> None:
    """Keep the rows as they are."""
    execute(database, "drop schema if exists kept cascade; create schema kept")
    for table in tables:
        execute(database, f"create table {table.kept} as {table.rows}")


def _differences(database: Database, tables: list[Table]) -> dict[str, list[str]]:
    """Say of each table that came out otherwise which rows differ: key, column, as it was, as it is."""
    found = {}
    for table in tables:
        checksum = (
            "select count(*), md5(string_agg(md5(told::text), '' order by md5(told::text))) from ({}) as t"
        )
        before = rows(database, checksum.format(f"select told from {table.kept}"))
        after = rows(database, checksum.format(table.rows))
        if before != after:
            found[table.name] = _told_apart(database, table)
    return found


def _count(database: Database, table: Table) -> int:
    return int(rows(database, f"select count(*) from {table.kept}")[0][0])


def _told_apart(database: Database, table: Table) -> list[str]:
    before = [row for (row,) in rows(database, f"select told from {table.kept} except all ({table.rows})")]
    after = [row for (row,) in rows(database, f"({table.rows}) except all select told from {table.kept}")]
    named = {_key_of(table, row): row for row in after}
    said = [f"{len(before)} rows of the small builds, {len(after)} of the replay are alone"]
    for row in before[:SHOWN]:
        key = _key_of(table, row)
        if key in named:
            said += [
                f"{key}: {column}: {_short(value)} → {_short(named[key][column])}"
                for column, value in row.items()
                if value != named[key][column]
            ]
        else:
            said.append(f"{key}: only after small builds: {_short(row)}")
    keys = {_key_of(table, row) for row in before}
    only_after = [row for key, row in named.items() if key not in keys]
    return said + [
        f"{_key_of(table, row)}: only after the replay: {_short(row)}" for row in only_after[:SHOWN]
    ]


def _key_of(table: Table, row: dict[str, Any]) -> str:
    key = table.key or [name for name in IDENTITIES if name in row][:2] or list(row)[:1]
    return " ".join(str(row[column]) for column in key)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}…"


def _primary_key(node: dict[str, Any]) -> list[str]:
    of_columns = [
        name
        for name, column in node["columns"].items()
        if any(one["type"] == "primary_key" for one in column.get("constraints") or [])
    ]
    of_model = [one["columns"] for one in node.get("constraints") or [] if one["type"] == "primary_key"]
    return of_model[0] if of_model else of_columns
