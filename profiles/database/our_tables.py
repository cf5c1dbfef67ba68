"""Our schemas and tables in a database. Backups, exports and purges all use this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg2 import sql

if TYPE_CHECKING:
    import psycopg2.extensions

# dlt copies rows through these before it merges them, so they hold nothing of their own
STAGING_SCHEMAS = ("raw_spotify_staging", "raw_export_staging")
SCHEMAS = (
    *("raw_spotify", "raw_export", "ops"),
    *("staging", "intermediate", "analytics", "snapshots"),
)
ALL_SCHEMAS = (*SCHEMAS, *STAGING_SCHEMAS)
# the sign-in, logins under way, and fingerprints of tokens: never part of a backup or an export
SECRET_TABLES = ("ops.tokens", "ops.pending_logins", "ops.token_imports")
# tables with rows in a database that nobody has used yet: ops.sql and each command write them
UNUSED_OPS = ("ops.applied_schemas", "ops.installation")

_TABLES = """
    select relations.oid, namespaces.nspname, relations.relname, relations.relkind = 'v' as is_view
    from pg_class as relations
    inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
    where namespaces.nspname = any(%s) and relations.relkind = any(%s) and not relations.relispartition
    order by array_position(%s, namespaces.nspname::text), relations.relname
"""
_USER_SCHEMAS = """
    select nspname::text from pg_namespace
    where nspname not like 'pg\\_%' and nspname <> 'information_schema'
    order by nspname
"""
# views of other schemas that read our tables
_DEPENDENTS = """
    select distinct namespaces.nspname || '.' || readers.relname
    from pg_depend as links
    inner join pg_rewrite as rules on links.classid = 'pg_rewrite'::regclass and links.objid = rules.oid
    inner join pg_class as readers on rules.ev_class = readers.oid
    inner join pg_namespace as namespaces on readers.relnamespace = namespaces.oid
    inner join pg_class as sources on links.refclassid = 'pg_class'::regclass and links.refobjid = sources.oid
    inner join pg_namespace as source_schemas on sources.relnamespace = source_schemas.oid
    where source_schemas.nspname = any(%(ours)s) and not namespaces.nspname = any(%(ours)s)
    order by 1
"""


@dataclass(frozen=True, order=True)
class Table:
    """A table or a view."""

    schema: str
    name: str
    oid: int = 0
    is_view: bool = False

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name with its schema."""
        return sql.Identifier(self.schema, self.name)


def tables(
    cursor: psycopg2.extensions.cursor,
    schemas: tuple[str, ...] = ALL_SCHEMAS,
    *,
    views: bool = False,
) -> list[Table]:
    """Return the tables and materialised views of these schemas, in the order of the schemas."""
    kinds = ["r", "p", "m", *(["v"] if views else [])]
    cursor.execute(_TABLES, [list(schemas), kinds, list(schemas)])
    return [Table(schema, name, oid, is_view) for oid, schema, name, is_view in cursor.fetchall()]


def every_table(cursor: psycopg2.extensions.cursor) -> list[Table]:
    """Return every table of the database except PostgreSQL's own, also those that are not ours."""
    return tables(cursor, schemas(cursor))


def schemas(cursor: psycopg2.extensions.cursor) -> tuple[str, ...]:
    """Return every schema of the database except PostgreSQL's own."""
    cursor.execute(_USER_SCHEMAS)
    return tuple(name for (name,) in cursor.fetchall())


def count_rows(cursor: psycopg2.extensions.cursor, wanted: list[Table]) -> dict[str, int]:
    """Return the number of rows of each table, by `schema.name`."""
    counts: dict[str, int] = {}
    for table in wanted:
        cursor.execute(sql.SQL("select count(*) from {}").format(table.identifier))
        ((rows,),) = cursor.fetchall()
        counts[str(table)] = rows
    return counts


def foreign_readers(cursor: psycopg2.extensions.cursor) -> list[str]:
    """Return the views of other schemas that read our tables. They would be dropped together with ours."""
    cursor.execute(_DEPENDENTS, {"ours": list(ALL_SCHEMAS)})
    return [name for (name,) in cursor.fetchall()]
