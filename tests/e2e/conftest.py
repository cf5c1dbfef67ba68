"""The whole thing on one machine, as `tracker --sandbox up` starts it: real processes, real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg2
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
POLL_SECONDS = 20


@dataclass
class Machine:
    """A TRACKER_HOME with its environment; commands run in it as a person would type them."""

    home: Path
    environment: dict[str, str]

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['TRACKER_UI_PORT']}"

    @property
    def api_url(self) -> str:
        return f"{self.ui_url}/api"

    def run(self, module: str, *arguments: str, status: int = 0) -> str:
        """Run `python -m module …`; fails the test with its output where it ends with another status."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == status, f"{module} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        from flows.server import prefect_api  # patient: a busy server answers 503

        return prefect_api.ask(self.api_url, method, path, body)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the sandbox's controls."""
        url = self.environment["SPOTIFY_ACCOUNTS_URL"]
        return ask(f"{url}sandbox/{path}", method, body)

    def query(self, statement: str) -> list[Any]:
        with (
            closing(
                psycopg2.connect(host=str(self.sockets), user="postgres", dbname="tracker")
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return [row[0] if len(row) == 1 else row for row in cursor.fetchall()]

    @property
    def sockets(self) -> str:
        return str(self.home / "postgres")

    def parts(self) -> dict[str, list[psutil.Process]]:
        """The processes of each part that `up` starts, by its name."""
        marks = {"server": "web_server", "worker": "worker start", "watchdog": "server.watchdog"}
        commands = [(process, " ".join(process.cmdline())) for process in self.processes()]
        found = {part: [each for each, line in commands if mark in line] for part, mark in marks.items()}
        database = Path(self.sockets, "postmaster.pid")
        pids = [int(database.read_text().split()[0])] if database.exists() else []
        return {**found, "database": [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]}

    def listen(self) -> str:
        """Let the user hear a liked track; return its id."""
        track_id: str = self.control("GET", "library")["likes"][0]["track_id"]
        self.control("POST", "edits/play", {"track_id": track_id})
        return track_id

    def is_counted(self, track_id: str, *, plays: int) -> bool:
        """Say whether the warehouse has so many plays of a track; no, where the database does not answer."""
        try:
            if self.query("select to_regclass('analytics.unified_tracks') is not null") != [True]:
                return False
            found = self.query(
                f"select play_count from analytics.unified_tracks where track_id = '{track_id}'"
            )
        except psycopg2.Error:
            return False
        return bool(found) and found[0] >= plays

    def processes(self) -> list[psutil.Process]:
        """What `up` has started and what that has started; not the database."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TRACKER_SERVICES_OF") == str(self.home):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def ask(url: str, method: str, body: dict[str, Any] | None) -> Any:
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def eventually(what: str, condition: Callable[[], Any], *, within_s: float = 90) -> Any:
    """Ask until the condition holds and return what it gave; fails where it never does."""
    deadline = time.monotonic() + within_s
    while not (given := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.5)
    return given


@pytest.fixture(scope="module")
def machine(own_environment: dict[str, str]) -> Iterator[Machine]:
    """A machine on which everything is up."""
    with running_machine() as machine:
        yield machine


@contextmanager
def running_machine() -> Iterator[Machine]:
    """Start everything on a small simulated account at the real time; stop and delete it at the end."""
    from flows.server.environment import free_port

    home = Path(tempfile.mkdtemp(prefix="tracker-e2e-"))
    spotify = home / "spotify"
    log = (home / "spotify.log").open("wb")
    sandbox = subprocess.Popen(
        [
            *(sys.executable, "-m", "sandbox", "serve", "--home", str(spotify)),
            *("--account", "small", "--live", "--port", str(free_port())),
        ],
        cwd=REPOSITORY,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    machine = Machine(
        home,
        {
            **os.environ,
            "TRACKER_HOME": str(home),
            "TRACKER_ENV_FILE": os.devnull,
            "TRACKER_UI_PORT": str(free_port()),
            "TRACKER_POLL_SECONDS": str(POLL_SECONDS),
            "PYTHONWARNINGS": "default",
        },
    )
    try:
        eventually("the sandbox serves", lambda: "sandbox ready" in (home / "spotify.log").read_text())
        for line in machine.run("sandbox", "env", "--home", str(spotify)).splitlines():
            name, value = line.removeprefix("export ").split("=", 1)
            machine.environment[name] = value.strip("'")
        machine.run("flows", "up")
        yield machine
    finally:
        machine.run("flows", "down")
        sandbox.terminate()
        sandbox.wait(timeout=30)
        log.close()
        shutil.rmtree(home, ignore_errors=True)
