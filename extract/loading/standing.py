"""Which parts of the raw tables exist in the database. Asks PostgreSQL alone: importing dlt takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import sql

from extract.loading.tables import LOAD_ID

if TYPE_CHECKING:
    from extract.loading.tables import RawTable, TableGroup
    from profiles.database import Database

ROW_ID = "_dlt_id"
LOADS, VERSIONS = "_dlt_loads", "_dlt_version"


class Missing(NamedTuple):
    """A table that does not exist, or a column that a table lacks."""

    schema: str
    table: str
    column: str | None = None

    def __str__(self) -> str:
        return ".".join(part for part in self if part)


def missing_parts(database: Database, group: TableGroup) -> list[Missing]:
    """Return what is missing of the group's tables, of their staging tables and of dlt's own tables."""
    expected: dict[tuple[str, str], set[str]] = {
        (group.dataset, LOADS): set(),
        (group.dataset, VERSIONS): set(),
        (group.staging, VERSIONS): set(),
    }
    for table in group.tables:
        if table.is_copied:
            expected[group.dataset, table.name] = {*table.columns, LOAD_ID}
        else:
            for schema in (group.dataset, group.staging):
                expected[schema, table.name] = {*table.columns, LOAD_ID, ROW_ID}
    existing: dict[tuple[str, str], set[str]] = {}
    with database.transaction() as cursor:
        cursor.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema = any(%s)",
            [[group.dataset, group.staging]],
        )
        for schema, table_name, column in cursor:
            existing.setdefault((schema, table_name), set()).add(column)
    missing = [Missing(*place) for place in expected if place not in existing]
    for place, columns in existing.items():
        missing += [Missing(*place, column) for column in sorted(expected.get(place, set()) - columns)]
    return missing


def are_complete(database: Database, group: TableGroup) -> bool:
    """Whether all tables of the group exist, with their columns and indexes."""
    indexes = [f"{group.dataset}.{name}" for table in group.tables for name in _indexes_of(table)]
    return database.relation_exists(*indexes) and not missing_parts(database, group)


def create_indexes(database: Database, group: TableGroup, *, lock_timeout: str) -> None:
    """Create the unique keys, and indexes of load ids where dbt reads by load."""
    with database.transaction() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, true)", [lock_timeout])
        cursor.execute("set local client_min_messages = warning")
        for table in group.tables:
            for name, statement in _indexes_of(table).items():
                cursor.execute(
                    sql.SQL(statement).format(
                        name=sql.Identifier(name),
                        table=sql.Identifier(group.dataset, table.name),
                        key=sql.SQL(", ").join(map(sql.Identifier, table.key)),
                        load_id=sql.Identifier(LOAD_ID),
                    )
                )


def _indexes_of(table: RawTable) -> dict[str, str]:
    """The statement that creates each index, by name. dlt makes the unique key of a copied table."""
    key, load = f"{table.name}_key", f"{table.name}_load"
    indexes: dict[str, str] = {}
    if not table.is_copied:
        indexes[key] = "create unique index if not exists {name} on {table} ({key})"
    if table.is_read_by_load and not table.is_copied:
        indexes[load] = "create index if not exists {name} on {table} ({load_id})"
    if table.is_copied:
        # the rows of one load lie together, so a summary per page is enough and costs the import nothing
        indexes[load] = (
            "create index if not exists {name} on {table} using brin ({load_id}) with (autosummarize = on)"
        )
    return indexes
