"""A real PostgreSQL, a simulated Spotify, and nothing of the developer's own settings.

With DB_HOST in the environment the tests make temporary databases on that server; else each test process
starts a temporary embedded server. Every temporary thing goes at the end.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from psycopg2 import sql

from profiles import database as databases
from profiles.database import Database, embedded
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from profiles.session import Session
    from profiles.settings import Settings
    from profiles.spotify.client import SpotifyClient
    from profiles.spotify.retry import Policy
    from tests.support.scripted_server import Scripted

    OpenClient = Callable[..., AbstractContextManager[SpotifyClient]]

OURS = ("SPOTIFY_", "DB_", "TRACKER_", "PREFECT_", "DBT_", "PG")
TEMPORARY = "tracker-test-"
NUMBERS = itertools.count(1)
FLOWS = "tests/flows/"
LONG_FIRST = ("e2e", "flows", "upgrade", "dbt")
"""Folders whose files take longest: begun last, they would keep one worker busy and leave the other idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, each in its own order."""
    ranks = {name: rank for rank, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run each file on one worker, and all tests of flows on the same: they share one Prefect server."""
    from xdist.scheduler import LoadFileScheduling

    class FilesAndFlows(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return FLOWS if nodeid.startswith(FLOWS) else super()._split_scope(nodeid)

    return FilesAndFlows(config, log)


@pytest.fixture(scope="session", autouse=True)
def own_environment() -> Iterator[dict[str, str]]:
    """Take the developer's settings away, for child processes too; yields what was there."""
    with pytest.MonkeyPatch.context() as patch:
        given = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
        for name in given:
            patch.delenv(name)
        patch.setenv("TRACKER_ENV_FILE", os.devnull)
        patch.setenv("SPOTIFY_PACING_S", "0")
        patch.setenv("SPOTIFY_BACKOFF_S", "0.01")
        yield given


@pytest.fixture(scope="session")
def postgres_server(own_environment: dict[str, str]) -> Iterator[Database]:
    """A server with room for temporary databases: the given one, or a temporary embedded one."""
    if own_environment.get("DB_HOST"):
        yield Database(
            own_environment["DB_HOST"],
            int(own_environment.get("DB_PORT") or 5432),
            own_environment.get("DB_NAME") or "postgres",
            own_environment.get("DB_USER") or "postgres",
            own_environment.get("DB_PASSWORD") or None,
            own_environment.get("DB_SSLMODE") or "prefer",
        )
        return
    _remove_leftovers()
    home = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-"))
    try:
        # nothing here outlives a crash of the machine, so nothing waits for the disk
        fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        sockets = embedded.ensure_running(home, options=fast)
        yield Database(str(sockets), embedded.PORT, "postgres", embedded.SUPERUSER)
    finally:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_server: Database) -> Iterator[Database]:
    """A database with the `ops` schema, to be cloned."""
    with temporary_database(postgres_server, template="template0") as database:
        databases.prepare(database)
        yield database


@pytest.fixture
def new_database(postgres_server: Database, template_database: Database) -> Iterator[Database]:
    """A database of the test's own, with an empty `ops` schema."""
    with temporary_database(postgres_server, template=template_database.name, label="own") as database:
        yield database


@pytest.fixture
def database(new_database: Database) -> Database:
    """The database of the test's own. Folders whose tests all load something have one with raw tables."""
    return new_database


@dataclass(frozen=True)
class Prepared:
    """What stands after a first load of nothing: a database with raw tables, and dlt's folder."""

    template: Database
    folder: Path


@pytest.fixture(scope="session")
def prepared(
    postgres_server: Database, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prepared]:
    """Raw tables as extract makes them, made once and copied for each test."""
    from extract.loading import pipeline
    from profiles.settings import load_settings

    home = tmp_path_factory.mktemp("prepared")
    with ExitStack() as stack:
        with temporary_database(postgres_server, template=template_database.name, label="own") as database:
            settings = load_settings().model_copy(update={"tracker_home": home})
            pipeline.ensure_tables(without_spotify(settings, database))
            made = stack.enter_context(temporary_database(postgres_server, template=database.name))
        yield Prepared(made, home / "dlt")


@pytest.fixture
def loaded_database(postgres_server: Database, prepared: Prepared, tracker_home: Path) -> Iterator[Database]:
    """A database of the test's own with empty raw tables; its folder of dlt is below TRACKER_HOME."""
    with temporary_database(postgres_server, template=prepared.template.name, label="own") as database:
        shutil.copytree(prepared.folder, tracker_home / "dlt")
        yield database


@contextmanager
def temporary_database(
    server: Database, *, template: str, label: str | None = None, locale: str | None = None
) -> Iterator[Database]:
    """Create a database and drop it at the end, whoever is still connected.

    With a label its name is always the same in this process: dbt parses its project anew for each name. With
    a locale it has that one of the system, else the one of the embedded server.
    """
    name = f"tracker_test_{os.getpid()}_{label or next(NUMBERS)}"
    identifier = sql.Identifier(name)
    # on a given server the same order and case rules as on the embedded one, which has them from its start
    is_given = not server.host.startswith(tempfile.gettempdir())
    if locale is not None:
        options = f"encoding 'UTF8' locale_provider libc locale '{locale}'"
    else:
        options = "encoding 'UTF8' locale 'C.UTF-8'" if template == "template0" and is_given else ""
    with closing(server.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create database {} template {} {}").format(
                identifier, sql.Identifier(template), sql.SQL(options)
            )
        )
    try:
        yield Database(server.host, server.port, name, server.user, server.password, server.sslmode)
    finally:
        with closing(server.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))


@pytest.fixture
def spotify() -> Iterator[Any]:
    """A simulated Spotify with a small account, over real HTTP."""
    from profiles.spotify.retry import OUTAGES
    from sandbox.testing import running_sandbox

    OUTAGES.clear()  # an earlier test's server may have had the same port
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def tracker_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TRACKER_HOME of the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("TRACKER_HOME", str(home))
    return home


@pytest.fixture
def session(
    database: Database, spotify: Any, tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A session on both. The environment says the same, so child processes and dbt see what the test sees."""
    from profiles.session import session_for
    from profiles.settings import load_settings

    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SPOTIFY_API_URL", spotify.api_url)
    monkeypatch.setenv("SPOTIFY_ACCOUNTS_URL", spotify.accounts_url)
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", spotify.client_id)
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", spotify.client_secret)
    monkeypatch.setenv("SPOTIFY_REFRESH_TOKEN", spotify.refresh_token)
    with session_for(load_settings(), database) as opened:
        yield opened


@pytest.fixture
def script(tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """A server that answers as the test says, in Spotify's place."""
    from profiles.spotify.retry import OUTAGES
    from tests.support.scripted_server import scripted_server

    with scripted_server() as server:
        OUTAGES.clear()
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """What a client would have slept."""
    return []


@pytest.fixture
def open_client(database: Database, script: Scripted, pauses: list[float]) -> OpenClient:
    """Open clients of the scripted server, one per process so to say; keywords are settings or the policy."""

    from profiles.settings import load_settings
    from profiles.spotify.client import SpotifyClient
    from profiles.spotify.retry import Policy as RetryPolicy

    @contextmanager
    def opened(policy: Policy | None = None, **settings: Any) -> Iterator[SpotifyClient]:
        loaded: Settings = load_settings().model_copy(update=settings)
        chosen = policy or RetryPolicy(pacing_s=0, timeout_s=(1, 1))
        client = SpotifyClient(loaded, database, policy=chosen, sleep=pauses.append)
        try:
            yield client
        finally:
            client.close()

    return opened


@pytest.fixture
def ask(database: Database) -> Callable[..., list[Any]]:
    """Rows of a query; single columns as plain values."""

    def query(statement: str, *values: Any) -> list[Any]:
        with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    return query


def _remove_leftovers() -> None:
    """Clear away what killed test runs left behind."""
    for home in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*-*"):
        owner = home.name.removeprefix(TEMPORARY).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)) and os.access(home, os.W_OK):
            embedded.stop(home)
            shutil.rmtree(home, ignore_errors=True)
