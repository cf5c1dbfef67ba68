"""One installation in a simulated world: an account, a home with its own database, and commands in processes.

Time is simulated: the account's clock stands still between steps, and every command is told the same time.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json

from playlists.block import read_block
from profiles import simulated_time
from profiles.database import embedded, open_database
from profiles.settings import load_settings
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.faults import troubles
from tests.playlists.conftest import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from profiles.database import Database
    from tests.faults.schedule import Trouble

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOREVER_S = 120
PRELOADED = (
    "dlt.destinations.impl.postgres.postgres",
    "extract.artists",
    "extract.availability",
    "extract.history",
    "extract.library.sync",
    "extract.listening",
    "extract.loading.loader",
    "flows.cli",
    "flows.exclusions",
    "playlists.push.push",
    "profiles.recorded_run",
    "rich.table",
    "tests.faults.life",
)
KILLED = -9


@dataclass
class Ending:
    """How a command ended: its exit status (-9 where it was killed) and what it printed.

    `called_at_rest`: families of endpoints that it called although their cooldown stood when it began.
    """

    status: int
    printed: str
    called_at_rest: set[str]

    @property
    def tail(self) -> str:
        """Return the end of what it printed."""
        return self.printed[-1500:]


@dataclass
class World:
    """The account and the installation; `due` are the plays that a poll has seen and must never lose."""

    spotify: RunningSandbox
    home: Path
    database: Database
    has_dbt: bool
    due: set[tuple[str, str]] = field(default_factory=set)
    imported: list[Path] = field(default_factory=list)
    selected: dict[str, list[str]] = field(default_factory=dict)
    pushed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    theirs: dict[str, list[str | None]] = field(default_factory=dict)
    is_cooling: bool = False
    printed: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    # -- commands

    def run(self, words: list[str], trouble: Trouble | None = None) -> Ending:
        """Run one command of `tracker` in a process of its own, with its trouble; return how it ended."""
        seen, resting = self.spotify.calls.total, self.resting_families()
        with troubles.prepared(self, trouble) as environment:
            child, output = self._start(words, environment)
            twin = self._start(words, environment) if trouble and trouble.kind == "twin" else None
            troubles.meddle(self, trouble, child)
            self._join(child)
            if twin is not None:
                self._join(twin[0])
        self.spotify.faults.clear()
        text = output.read_text(errors="replace")
        self.printed.append(f"$ tracker {' '.join(words)} [{trouble}]\n{text}")
        called = {call.family for call in list(self.spotify.calls)[seen:]}
        return Ending(child.exitcode or 0, text, called & resting)

    def _start(self, words: list[str], environment: dict[str, str]) -> tuple[ForkServerProcess, Path]:
        output = self.home.parent / f"output-{time.monotonic_ns()}"
        child = CHILDREN.Process(target=_command, args=(words, environment, str(output)))
        child.start()
        return child, output

    def _join(self, child: ForkServerProcess) -> None:
        child.join(FOREVER_S)
        if child.exitcode is None:
            child.kill()
            child.join()
            raise AssertionError(f"a command did not end within {FOREVER_S} s")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command: the settings, the time of the account, quick retries."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            **self.spotify.environment,
            "TRACKER_HOME": str(self.home),
            "TRACKER_ENV_FILE": os.devnull,
            "TRACKER_AS_OF": self.spotify.account.now.isoformat(),
            "SPOTIFY_PACING_S": "0",
            "SPOTIFY_BACKOFF_S": "0.01",
            "DO_NOT_TRACK": "1",
        }

    # -- what is stored

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the installation's database."""
        with self.database.transaction() as cursor:
            cursor.execute(statement, list(values) or None)
            return cursor.fetchall() if cursor.description else []

    def select(self, slug: str, uris: list[str]) -> None:
        """Do what a build does: replace one selection, and test it."""
        invocation_id = f"build-{time.monotonic_ns()}"
        definition = read_block(slug, {"title": slug.title()}).model_dump(mode="json")
        with self.database.transaction() as cursor:
            cursor.execute("delete from analytics.playlist_selections where slug = %s", [slug])
            cursor.execute("delete from analytics.playlist_definitions where slug = %s", [slug])
            cursor.execute(
                "insert into analytics.playlist_selections select %s, position, uri, uri, uri"
                " from unnest(cast(%s as text[])) with ordinality as u(uri, position)",
                [slug, uris],
            )
            cursor.execute(
                "insert into analytics.playlist_definitions values (%s, %s, %s, %s, %s)",
                [slug, Json(definition), self.spotify.account.now, invocation_id, len(uris)],
            )
            cursor.execute(
                "insert into ops.build_results (invocation_id, unique_id, slug, test_name, status)"
                " values (%s, %s, %s, 'unique', 'pass')",
                [invocation_id, f"test.{slug}", slug],
            )
        self.selected[slug] = uris

    def resting_families(self) -> set[str]:
        """Return the families of endpoints whose cooldown stands."""
        rows = self.query("select family from ops.api_cooldowns where until > clock_timestamp()")
        return {family for (family,) in rows}

    def end_cooldowns(self) -> None:
        """Let the time of every cooldown pass."""
        self.query("delete from ops.api_cooldowns")
        self.is_cooling = False

    def sign_in_again(self) -> None:
        """Do what the person does whose sign-in has ended: consent again."""
        self.secrets.add(self.spotify.refresh_token)
        self.spotify.refresh_token = self.spotify.tokens.issue_refresh_token()


@contextmanager
def new_world(folder: Path, *, has_dbt: bool = False) -> Iterator[World]:
    """Yield a new installation on a new account, and remove both afterwards."""
    home = folder / "home"
    home.mkdir(parents=True)
    account = library_of(
        likes=160, albums=4, long_albums=1, playlists=2, playlist_entries=30, plays=20, now=BEGIN
    )
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with running_sandbox(account) as spotify:
        embedded.ensure_running(home, options=fast)
        try:
            database = open_database(
                load_settings().model_copy(update={"tracker_home": home, "db_host": None})
            )
            simulated_time.begin(database)
            world = World(spotify, home, database, has_dbt)
            world.theirs = {each.id: list(each.uris) for each in account.playlists.values()}
            if not has_dbt:
                world.query(TABLES)
            yield world
        finally:
            embedded.stop(home)
            shutil.rmtree(folder, ignore_errors=True)


def _children() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


CHILDREN = _children()
"""Processes that have everything imported when they start."""


def _command(words: list[str], environment: dict[str, str], output: str) -> None:
    """Run `tracker WORDS` in this process, with its output in a file."""
    os.environ.clear()
    os.environ.update(environment)
    handle = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    sys.stdout = os.fdopen(os.dup(1), "w")
    sys.stderr = os.fdopen(os.dup(2), "w")
    from flows.cli import main

    status = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
