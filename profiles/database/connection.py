"""The database: the embedded PostgreSQL, or the one that DB_HOST names. Both are prepared with `ops.sql`."""

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

from profiles.database import embedded
from profiles.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from profiles.settings import Settings

OPS_SQL = Path(__file__).parents[1] / "ops.sql"
# Collations that know upper and lower case of every script, the best first. Most servers have one of them.
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
    """Where the data lives. Values only: it opens a connection when asked to."""

    host: str
    port: int
    name: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    is_embedded: bool = False

    @property
    def safe_dsn(self) -> str:
        """The address without its password, as psql takes it."""
        return self._url(password=None)

    @property
    def dsn(self) -> str:
        """The address with its password. Never log it, never pass it as an argument."""
        return self._url(password=self.password)

    @property
    def dlt_credentials(self) -> str:
        """The address as dlt takes it: it insists on a host and a password, also for a socket."""
        is_socket = self.host.startswith("/")
        login = f"{quote(self.user, safe='')}:{quote(self.password or 'x', safe='')}"
        host = "localhost" if is_socket else self._url_host
        options = {"host": self.host} if is_socket else {"sslmode": self.sslmode}
        return f"postgresql://{login}@{host}:{self.port}/{quote(self.name, safe='')}?{urlencode(options)}"

    def environment(self) -> dict[str, str]:
        """The DB_* variables for dbt, psql and our own child processes."""
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_NAME": self.name,
            "DB_USER": self.user,
            "DB_PASSWORD": self.password or "",
            "DB_SSLMODE": self.sslmode,
        }

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Open a connection whose times are UTC. Close it yourself (`contextlib.closing`).

        Raises DatabaseUnavailable with the server's reason.
        """
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
        """Yield a cursor in a transaction of its own: committed at the end, rolled back by an exception.

        Rows are tuples. Raises DatabaseUnavailable.
        """
        with closing(self.connect()) as connection, connection, connection.cursor() as cursor:
            yield cursor

    def relation_exists(self, *names: str) -> bool:
        """Whether all these tables or views exist, each named with its schema. Raises DatabaseUnavailable."""
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
    """Return the database, started where it is ours, with the `ops` schema in place.

    Raises DatabaseUnavailable with its remedy.
    """
    database = locate(settings)
    if database.is_embedded:
        embedded.ensure_running(settings.tracker_home)
        create_if_missing(database)
    prepare(database)
    return database


def locate(settings: Settings) -> Database:
    """Return where the database is, untouched. Our own socket folder as DB_HOST still means embedded."""
    own = embedded.socket_folder(settings.tracker_home)
    if settings.db_host is None or settings.db_host == str(own):
        return Database(str(own), embedded.PORT, settings.db_name, embedded.SUPERUSER, is_embedded=True)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return Database(
        settings.db_host, settings.db_port, settings.db_name, settings.db_user, password, settings.db_sslmode
    )


def stop_embedded(settings: Settings) -> bool:
    """Stop the embedded database; say whether it was running."""
    return embedded.stop(settings.tracker_home)


def create_if_missing(database: Database) -> None:
    """Create the database on an embedded server."""
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
    """Apply `ops.sql`, once per version of it: repeating it each time would wait behind readers' locks.

    And once more where a restored database finds other collations on its new server.
    """
    script = OPS_SQL.read_text(encoding="utf-8")
    with database.transaction() as cursor:
        cursor.execute(FIND_CASE_RULES, {"names": CASE_RULES})
        (case_rules,) = cursor.fetchone() or ("",)
        fingerprint = hashlib.sha256(f"{script}{case_rules}".encode()).hexdigest()
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
    """Hold a lock shared by all processes on this database; yields whether it was got.

    Without `wait` it yields False at once where another holds it; with `timeout_s`, after that time. In SQL
    it is `pg_advisory_lock(hashtextextended('tracker:' || name, 0))`. It ends with its connection, also by a
    kill.
    """
    with held_lock(database, name, wait=wait, timeout_s=timeout_s) as backend_pid:
        yield backend_pid is not None


@contextmanager
def held_lock(
    database: Database, name: str, *, wait: bool, timeout_s: float | None = None
) -> Iterator[int | None]:
    """Do as `advisory_lock` does; yields the pid of the server process that holds the lock, or None."""
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
                # said aloud: the server notices a closed connection a moment later, too late for the next
                with suppress(psycopg2.Error):
                    cursor.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])
