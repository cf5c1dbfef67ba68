"""Connections to the database: the embedded PostgreSQL, or the one that DB_HOST names.

Also advisory locks.
"""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2 import errors as pg
from psycopg2 import sql

from profiles.database import embedded, sockets
from profiles.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from profiles.settings import Settings

OPS_SQL = Path(__file__).parents[1] / "ops.sql"
# Collations with upper and lower case of every script, the best first. Most servers have one of them.
CASE_RULES = ["pg_c_utf8", "C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8", "und-x-icu"]
FIND_CASE_RULES = """
    select quote_ident(collname)
    from pg_collation
    where
        collnamespace = 'pg_catalog'::regnamespace
        and collencoding in (-1, pg_char_to_encoding(getdatabaseencoding()))
        and cast(collname as text) = any(%(names)s)
    order by array_position(%(names)s, cast(collname as text))
    limit 1
"""
EMBEDDED_IS_AWAY = "The next command starts it again; if not, see postgres/server.log below TRACKER_HOME."
MARK_APPLIED = "insert into ops.applied_schemas (fingerprint) values (%s) on conflict do nothing"


@dataclass(frozen=True)
class Database:
    """The address of the database. It holds no connection; its methods open one each."""

    host: str
    port: int
    name: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    is_embedded: bool = False

    @property
    def safe_dsn(self) -> str:
        """The address as psql takes it, without the password."""
        return self._url(password=None)

    @property
    def dsn(self) -> str:
        """The address with the password. Never log it, and never pass it as an argument."""
        return self._url(password=self.password)

    @property
    def dlt_credentials(self) -> str:
        """The address as dlt takes it: with a host and a password even for a Unix socket."""
        is_socket = self.host.startswith("/")
        login = f"{quote(self.user, safe='')}:{quote(self.password or 'x', safe='')}"
        host = "localhost" if is_socket else self._url_host
        options = {"host": self.host} if is_socket else {"sslmode": self.sslmode}
        return f"postgresql://{login}@{host}:{self.port}/{quote(self.name, safe='')}?{urlencode(options)}"

    def environment(self) -> dict[str, str]:
        """Return the DB_* variables for dbt and for our own child processes."""
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_NAME": self.name,
            "DB_USER": self.user,
            "DB_PASSWORD": self.password or "",
            "DB_SSLMODE": self.sslmode,
        }

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Return a new connection in the time zone UTC. Close it with `contextlib.closing`.

        Raises DatabaseUnavailable with the server's reason.
        """
        if self.is_embedded:
            sockets.require_ours(Path(self.host))
        try:
            connection = psycopg2.connect(
                host=self.host,
                port=self.port,
                dbname=self.name,
                user=self.user,
                password=self.password,
                sslmode=self.sslmode,
                connect_timeout=10,
                keepalives_idle=30,
                application_name="spotify-tracker",
            )
        except psycopg2.OperationalError as error:
            raise DatabaseUnavailable(
                f"The database {self.safe_dsn} cannot be reached: {str(error).strip()}",
                remedy=EMBEDDED_IS_AWAY
                if self.is_embedded
                else "Check DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD, and that the server runs.",
            ) from None
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
        connection.autocommit = autocommit
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Yield a cursor in a new transaction, which is committed at the end and rolled back on an exception.

        Rows are tuples. Raises DatabaseUnavailable.
        """
        with closing(self.connect()) as connection, connection, connection.cursor() as cursor:
            yield cursor

    def relation_exists(self, *names: str) -> bool:
        """Return whether all these tables or views exist. Names include the schema.

        Raises DatabaseUnavailable.
        """
        with self.transaction() as cursor:
            cursor.execute(
                "select bool_and(to_regclass(name) is not null) from unnest(%s) as name", [list(names)]
            )
            return cursor.fetchone() == (True,)

    def _url(self, password: str | None) -> str:
        login = quote(self.user, safe="") + (f":{quote(password, safe='')}" if password else "")
        if self.host.startswith("/"):
            where = f"@/{quote(self.name, safe='')}?{urlencode({'host': self.host, 'port': self.port})}"
        else:
            options = urlencode({"sslmode": self.sslmode})
            where = f"@{self._url_host}:{self.port}/{quote(self.name, safe='')}?{options}"
        return f"postgresql://{login}{where}"

    @property
    def _url_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def open_database(settings: Settings) -> Database:
    """Return the database with an up-to-date `ops` schema. The embedded one is started if needed.

    Raises DatabaseUnavailable.
    """
    database = locate(settings)
    if database.is_embedded:
        embedded.ensure_running(settings.tracker_home)
        create_if_missing(database)
    prepare(database)
    return database


def locate(settings: Settings) -> Database:
    """Return the database's address without connecting. Our own socket folder as DB_HOST means embedded."""
    own = embedded.socket_folder(settings.tracker_home)
    if settings.db_host is None or settings.db_host == str(own):
        return Database(str(own), embedded.PORT, settings.db_name, embedded.SUPERUSER, is_embedded=True)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return Database(
        settings.db_host, settings.db_port, settings.db_name, settings.db_user, password, settings.db_sslmode
    )


def stop_embedded(settings: Settings) -> bool:
    """Stop the embedded database, and return whether it was running."""
    return embedded.stop(settings.tracker_home)


def create_if_missing(database: Database) -> None:
    """Create the database on the embedded server, unless it exists."""
    maintenance = Database(database.host, database.port, "postgres", database.user, is_embedded=True)
    with closing(maintenance.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("select from pg_database where datname = %s", [database.name])
        if cursor.fetchone() is not None:
            return
        try:
            cursor.execute(
                sql.SQL(
                    "create database {} template template0 encoding 'UTF8' locale_provider builtin "
                    "builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"
                ).format(sql.Identifier(database.name))
            )
        except (pg.DuplicateDatabase, pg.UniqueViolation):  # another process was quicker
            return


def prepare(database: Database) -> None:
    """Apply `ops.sql`, unless this version of it was applied already: each time it would wait for readers.

    It is applied again if the server's collations differ, as after a restore on another server. Raises
    DatabaseUnavailable.
    """
    script = OPS_SQL.read_text(encoding="utf-8")
    with database.transaction() as cursor:
        case_rules = _case_rules(cursor)
        fingerprint = _fingerprint(script, case_rules)
        if _is_applied(cursor, fingerprint):
            return
        try:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('tracker:ops', 0))")
            cursor.execute("set local lock_timeout = '30s'; set local client_min_messages = warning")
            cursor.execute("select set_config('tracker.case_rules', %s, true)", [case_rules])
            cursor.execute(script)
            cursor.execute(MARK_APPLIED, [fingerprint])
        except pg.InsufficientPrivilege as error:
            raise DatabaseUnavailable(
                f"The schema 'ops' cannot be prepared: {str(error).strip()}",
                remedy=f'Allow it once: grant create on database "{database.name}" to "{database.user}"',
            ) from None
        except pg.LockNotAvailable:
            raise DatabaseUnavailable(
                "The schema 'ops' cannot be brought up to date: somebody keeps one of its tables open.",
                remedy="End the transaction that reads it (pg_stat_activity names it), then repeat.",
            ) from None


def is_prepared(database: Database) -> bool:
    """Return whether this version of `ops.sql` was applied. Changes nothing. Raises DatabaseUnavailable."""
    with database.transaction() as cursor:
        return _is_applied(cursor, _fingerprint(OPS_SQL.read_text(encoding="utf-8"), _case_rules(cursor)))


def _case_rules(cursor: Cursor) -> str:
    cursor.execute(FIND_CASE_RULES, {"names": CASE_RULES})
    (case_rules,) = cursor.fetchone() or ("",)
    return str(case_rules)


def _fingerprint(script: str, case_rules: str) -> str:
    return hashlib.sha256(f"{script}{case_rules}".encode()).hexdigest()


def _is_applied(cursor: Cursor, fingerprint: str) -> bool:
    cursor.execute("select to_regclass('ops.applied_schemas')")
    if cursor.fetchone() == (None,):
        return False
    cursor.execute("select from ops.applied_schemas where fingerprint = %s", [fingerprint])
    return cursor.fetchone() is not None


@contextmanager
def advisory_lock(
    database: Database, name: str, *, wait: bool, timeout_s: float | None = None
) -> Iterator[bool]:
    """Hold a lock that all processes on this database share; yield whether it is held.

    If another process holds it, False is yielded at once without `wait`, or after `timeout_s` with it. In SQL
    the lock is `pg_advisory_lock(hashtextextended('tracker:' || name, 0))`. A killed process loses it.
    """
    with held_lock(database, name, wait=wait, timeout_s=timeout_s) as backend_pid:
        yield backend_pid is not None


@contextmanager
def held_lock(
    database: Database, name: str, *, wait: bool, timeout_s: float | None = None
) -> Iterator[int | None]:
    """Hold a lock like `advisory_lock`; yield the pid of the server process that holds it, or None."""
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        key = f"tracker:{name}"
        if wait:
            milliseconds = str(int((timeout_s or 0) * 1000))
            cursor.execute("select set_config('lock_timeout', %s, false)", [milliseconds])
            try:
                cursor.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [key])
                is_held = True
            except pg.LockNotAvailable:
                is_held = False
        else:
            cursor.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
            is_held = cursor.fetchone() == (True,)
        try:
            yield connection.info.backend_pid if is_held else None
        finally:
            if is_held:
                # unlock explicitly: the server notices a closed connection only a moment later
                with suppress(psycopg2.Error):
                    cursor.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])
