"""Delete everything personal: first say what, then the sign-in, the rows, the files, at last the cluster."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from psycopg2 import errors as pg
from psycopg2 import sql

from profiles import dbt
from profiles.damage import MARK
from profiles.database import embedded, open_database, our_tables
from profiles.database.backup import SUFFIX, backups_folder, series_of
from profiles.errors import TrackerError
from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.settings import Settings

# below TRACKER_HOME: dlt's load packages, dbt's target and logs, what reports and documentation were written,
# and what was damaged and set aside
OUR_FOLDERS = ("dlt", "dbt", "docs", "report*", "logs", f"*{MARK}*")
PREFECT_FOLDERS = ("prefect*", "services")
# beside dbt_project.yml: what a bare `dbt` writes
DBT_FOLDERS = ("target", "logs")
SAME_PROCESS_S = 2.0

_AT_WORK = """
    select distinct sessions.application_name, sessions.pid
    from pg_locks as locks
    inner join pg_stat_activity as sessions on locks.pid = sessions.pid
    where locks.locktype = 'advisory' and locks.objsubid = 1 and sessions.pid <> pg_backend_pid()
        and locks.database = (select oid from pg_database where datname = current_database())
        and sessions.application_name like 'spotify-tracker%%'
        and (locks.classid::bigint << 32) | locks.objid::bigint not in (
            select hashtextextended('tracker:' || name, 0) from unnest(%s::text[]) as names (name)
        )
"""


@dataclass(frozen=True)
class PathToDelete:
    """A file or folder that goes, with what is in it."""

    path: Path
    size_bytes: int


@dataclass(frozen=True)
class PurgePlan:
    """What a purge deletes: `rows` by `schema.table` (empty tables too), files, and what it must leave."""

    database: str
    rows: dict[str, int]
    readers: tuple[str, ...]  # views of the user's own that read our tables and go with them
    files: tuple[PathToDelete, ...]
    drops_cluster: bool
    left: tuple[str, ...]  # sentences: what stays, and what to do about it

    @property
    def row_count(self) -> int:
        """All rows together."""
        return sum(self.rows.values())


def plan_purge(settings: Settings, database: Database, *, keep_server: bool = False) -> PurgePlan:
    """Look at what a purge would delete. Changes nothing.

    `keep_server`: the embedded server goes on, empty, for a caller who still writes to it (a run of the UI).
    """
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        rows = our_tables.count_rows(cursor, our_tables.tables(cursor))
        readers = our_tables.foreign_readers(cursor)
        others = _others_in_cluster(cursor) if database.is_embedded else []
    drops_cluster = database.is_embedded and not others and not keep_server
    files, left = _files(settings, database)
    left += _remains_of_database(database, others, drops_cluster=drops_cluster)
    if settings.spotify_refresh_token is not None:
        left.append("SPOTIFY_REFRESH_TOKEN is still set; it is not imported again. Take it out of .env.")
    left.append("Exports and backups that were written elsewhere: delete them yourself.")
    left.append("The app's access in the account: https://www.spotify.com/account/apps/ removes it.")
    return PurgePlan(database.name, rows, tuple(readers), tuple(files), drops_cluster, tuple(left))


def purge(
    settings: Settings, database: Database, *, keep_server: bool = False, run_by: str | None = None
) -> PurgePlan:
    """Delete what `plan_purge` names, and return that plan as it was carried out.

    `run_by`: the lock of the flow that calls (`flow:disconnect`), which is at work and may be.
    Raises TrackerError where something else of ours is at work, or where a table is held; what is deleted by
    then stays deleted, and the next purge goes on.
    """
    _check_idle(database, run_by)
    with closing(SpotifyClient(settings, database)) as client:
        client.tokens.forget()
    plan = plan_purge(settings, database, keep_server=keep_server)
    _drop_schemas(database)
    for entry in plan.files:
        _delete(entry.path)
    if plan.drops_cluster:
        embedded.stop(settings.tracker_home)
        _delete(embedded.data_folder(settings.tracker_home))
        embedded.forget(settings.tracker_home)
        _delete(embedded.socket_folder(settings.tracker_home))
    if settings.spotify_refresh_token is not None:
        _refuse_import(settings, plan)
    return plan


def prefect_state(settings: Settings) -> tuple[list[Path], bool]:
    """Return the folders of the local Prefect, and whether one of its processes still runs."""
    folders = sorted(_matching(settings.tracker_home, PREFECT_FOLDERS))
    return folders, any(_is_running(file) for folder in folders for file in folder.glob("*.json"))


def _drop_schemas(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("set local lock_timeout = '30s'; set local client_min_messages = warning")
        try:
            for schema in our_tables.ALL_SCHEMAS:
                cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
        except pg.LockNotAvailable:
            raise TrackerError(
                "Another program is reading our tables, so that nothing was deleted but the sign-in.",
                remedy="Close it (psql, a notebook, a dashboard), then purge again.",
            ) from None
        except pg.InsufficientPrivilege as error:
            raise TrackerError(
                f"The database refuses: {str(error).strip()}; nothing was deleted but the sign-in.",
                remedy="Purge as the owner of these tables.",
            ) from None
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        remaining = our_tables.tables(cursor, views=True)
        if remaining:
            raise TrackerError(
                f"{len(remaining)} tables came back while they were deleted, such as {remaining[0]}.",
                remedy="`tracker down`, then purge again.",
            )
        if database.is_embedded:
            cursor.execute("checkpoint")


def _check_idle(database: Database, run_by: str | None) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(_AT_WORK, [[run_by] if run_by else []])
        at_work = cursor.fetchall()
    if at_work:
        raise TrackerError(
            f"{len(at_work)} of our own processes are at work in this database; nothing was deleted.",
            remedy="`tracker down`, or wait until they have ended; then purge again.",
        )


def _others_in_cluster(cursor: psycopg2.extensions.cursor) -> list[str]:
    """Return what somebody keeps in the embedded server beside our schemas."""
    cursor.execute(
        "select datname::text from pg_database"
        " where not datistemplate and datname not in ('postgres', current_database())"
    )
    databases = [f"database {name}" for (name,) in cursor.fetchall()]
    foreign = [
        table for table in our_tables.every_table(cursor) if table.schema not in our_tables.ALL_SCHEMAS
    ]
    return databases + [str(table) for table in foreign]


def _remains_of_database(database: Database, others: list[str], *, drops_cluster: bool) -> list[str]:
    if drops_cluster:
        return []
    if database.is_embedded:
        why = f"because of {', '.join(others[:3])}" if others else "for now"
        traces = "Traces of deleted rows remain in its log (WAL) for a while; deleting TRACKER_HOME/postgres"
        return [f"The embedded server stays {why}. {traces} after `tracker down` ends them."]
    return ["The database server's own log (WAL) and backups: they are its administrator's."]


def _files(settings: Settings, database: Database) -> tuple[list[PathToDelete], list[str]]:
    home = settings.tracker_home
    found = sorted(_matching(home, OUR_FOLDERS)) + sorted(_matching(dbt.DBT_PROJECT_DIR, DBT_FOLDERS))
    left: list[str] = []
    prefect, is_running = prefect_state(settings)
    if is_running:
        left.append("Prefect runs: its state goes after `tracker down`, when this is repeated in a terminal.")
    for folder in prefect:
        if not is_running and not _is_in_use(folder):
            found.append(folder)
        elif not is_running:
            left.append(f"{folder} is in use by a run; repeat this when that has ended.")
    backups = backups_folder(settings)
    own = f"{series_of(database)}-*"
    found += sorted([*backups.glob(own), *backups.glob(f".{own}")])
    foreign = [path for path in backups.glob(f"*{SUFFIX}") if path not in found]
    if foreign:
        left.append(f"{len(foreign)} backups of other databases in {backups}.")
    links = [path for path in found if path.is_symlink()]
    left += [f"{path} is a link to {path.resolve()}: delete what is there yourself." for path in links]
    return [PathToDelete(path, _size_bytes(path)) for path in found if path not in links], left


def _matching(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from folder.glob(pattern)


def _is_running(pid_file: Path) -> bool:
    """Say whether the process that a pid file of `tracker up` names still runs."""
    try:
        content = json.loads(pid_file.read_text(encoding="utf-8"))
        process = psutil.Process(int(content["pid"]))
        return bool(abs(process.create_time() - float(content["started"])) < SAME_PROCESS_S)
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False


def _is_in_use(folder: Path) -> bool:
    """Say whether a run in the foreground has its temporary Prefect here."""
    try:
        with (folder / "in_use").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _refuse_import(settings: Settings, plan: PurgePlan) -> None:
    """Remember, as a fingerprint, that the token in the environment is not to be imported."""
    with closing(SpotifyClient(settings, open_database(settings))) as client:
        client.tokens.forget()
    if plan.drops_cluster:
        embedded.stop(settings.tracker_home)


def _size_bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    if path.exists():
        raise TrackerError(f"{path} cannot be deleted.", remedy="Delete it yourself; purge again to be sure.")
