"""A database and a home of the first version after three weeks, and what today's version makes of them.

Today's commands run as of the moment at which the first version stopped: `OldHouse.environment` and
`in_simulated_time` say so.
"""

from __future__ import annotations

import io
import json
import lzma
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from extract.loading.pipeline import pipelines_folder
from profiles.database import open_database
from profiles.database.private_files import sha256
from profiles.database.programs import find_program, major_version, run_program, server_version
from profiles.settings import REPOSITORY, load_settings
from sandbox.testing import RunningSandbox, running_sandbox
from tests.conftest import temporary_database
from tests.upgrade.contents import Contents, read_contents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database

FIXTURE = Path(__file__).with_name("first")
# The first version wrote these times by the clock of its day; what is older than a month or three is pruned.
AS_IF_WRITTEN_TODAY = """
    with life as (select now() - max(started_at) as age from ops.runs)
    , runs as (
        update ops.runs set started_at = started_at + age, finished_at = finished_at + age from life
    )
    , logs as (update ops.logs set logged_at = logged_at + age from life)
    update ops.build_results set finished_at = finished_at + age from life
"""


@dataclass(frozen=True)
class OldHouse:
    """A database and a home as the first version left them, and the account as it stood then."""

    database: Database
    home: Path
    spotify: RunningSandbox
    answers: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The settings under which commands of today work here, at the moment at which the first stopped."""
        return {
            **self.database.environment(),
            **{
                name: value
                for name, value in self.spotify.environment.items()
                if name != "SPOTIFY_REFRESH_TOKEN"  # the stored sign-in has to do
            },
            "TRACKER_HOME": str(self.home),
            "TRACKER_TIMEZONE": self.answers["timezone"],
            "TRACKER_SECRET_KEY": self.answers["secret_key"],
            "TRACKER_AS_OF": self.answers["as_of"],
        }

    def run(self, module: str, *arguments: str) -> str:
        """Run a command as its user does, in the environment of the moment; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert done.returncode == 0, f"{module} {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


@dataclass(frozen=True)
class Night:
    """What stood in the database at each step of the first night under today's version."""

    house: OldHouse
    before: Contents
    started: Contents
    synced: Contents
    pushed: Contents
    results: list[dict[str, Any]]
    writes: list[str]


def unpacked(name: str) -> bytes:
    """A file of the fixture."""
    return lzma.decompress((FIXTURE / name).read_bytes())


def restore_fixture(database: Database) -> None:
    """Make an empty database the one that the first version left."""
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(unpacked("database.sql.xz").decode())
    with database.transaction() as cursor:
        cursor.execute(AS_IF_WRITTEN_TODAY)


def back_up_as_then(database: Database, folder: Path) -> Path:
    """Write a backup with the arguments and the manifest of the first version, whose own file is large."""
    file = folder / "tracker.dump"
    manifest = json.loads((FIXTURE / "backup.dump.json").read_text(encoding="utf-8"))
    program = find_program("pg_dump", server_version(database))
    schemas = {name.partition(".")[0] for name in manifest["rows"]} | {"staging"}
    arguments = ["--format=custom", f"--file={file}", "--no-password", "--no-owner", "--no-privileges"]
    arguments += [f"--schema={name}" for name in sorted(schemas)]
    arguments += [f"--exclude-table-data={name}" for name in manifest["left_out"]]
    run_program(program, arguments, database)
    written = {**manifest, "sha256": sha256(file), "dump_version": major_version(program)}
    file.with_name("tracker.dump.json").write_text(json.dumps(written), encoding="utf-8")
    return file


@contextmanager
def old_house(database: Database, folder: Path) -> Iterator[OldHouse]:
    """Bring the fixture into an empty database and an empty folder."""
    restore_fixture(database)
    account = folder / "account"
    account.mkdir()
    with closing(sqlite3.connect(account / "sandbox.sqlite")) as stored:
        stored.executescript(unpacked("account.sql.xz").decode())
    home = folder / "home"
    with running_sandbox(home=account) as spotify, pytest.MonkeyPatch.context() as patch:
        answers = json.loads((FIXTURE / "answers.json").read_text(encoding="utf-8"))
        house = OldHouse(database, home, spotify, answers)
        for name, value in house.environment.items():
            patch.setenv(name, value)
        with tarfile.open(fileobj=io.BytesIO(unpacked("home.tar.xz"))) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        pipelines = pipelines_folder(load_settings(), database)
        pipelines.parent.mkdir(parents=True)
        (folder / "unpacked" / "dlt").rename(pipelines)
        yield house


def in_simulated_time(database: Database) -> None:
    """Let commands decide as of the fixture's moment, though the database is not empty."""
    with database.transaction() as cursor:
        cursor.execute("update ops.installation set simulated_at = to_timestamp(0)")


@pytest.fixture(scope="module")
def house(postgres_server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldHouse]:
    """The fixture in a database of the module's own."""
    with (
        temporary_database(postgres_server, template="template0", label="upgrade") as database,
        old_house(database, tmp_path_factory.mktemp("upgrade")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def night(house: OldHouse) -> Night:
    """Start today's version; sync, build and push as the first night does."""
    before = read_contents(house.database)
    open_database(load_settings())
    started = read_contents(house.database)
    in_simulated_time(house.database)
    house.spotify.calls.reset()
    house.run("flows", "run", "daily-sync")
    synced = read_contents(house.database)
    results = json.loads(house.run("playlists", "apply", "--json"))
    writes = [f"{call.method} {call.template}" for call in house.spotify.calls.api if call.is_write]
    return Night(house, before, started, synced, read_contents(house.database), results, writes)
