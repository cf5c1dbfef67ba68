from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from profiles import database as databases
from profiles.database import Database, advisory_lock, embedded, locate, open_database, stop_embedded
from profiles.errors import DatabaseUnavailable
from profiles.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder outside pytest's own: another pytest that starts would close that to the server's account."""
    folder = Path(tempfile.mkdtemp(prefix=f"tracker-test-{os.getpid()}-"))
    monkeypatch.setenv("TRACKER_HOME", str(folder))
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


@pytest.fixture
def embedded_settings(home: Path) -> Settings:
    return load_settings()


def test_the_embedded_database_outlives_the_command_that_started_it(embedded_settings: Settings) -> None:
    command = [sys.executable, "-W", "error", "-c"]
    script = (
        "from profiles.database import *; from profiles.settings import *; open_database(load_settings())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    subprocess.run([*command, script], check=True, env=environment, timeout=60)
    assert embedded.is_ready(embedded_settings.tracker_home)
    assert stop_embedded(embedded_settings)
    assert not embedded.is_ready(embedded_settings.tracker_home)


def test_the_embedded_database_keeps_its_rows_through_a_kill(embedded_settings: Settings) -> None:
    database = open_database(embedded_settings)
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.build_marks (name) values ('kept')")
    data = embedded.data_folder(embedded_settings.tracker_home)
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    with closing(open_database(embedded_settings).connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select name from ops.build_marks")
        assert cursor.fetchall() == [("kept",)]


def test_another_program_with_the_recorded_pid_is_not_taken_for_the_server(
    embedded_settings: Settings,
) -> None:
    open_database(embedded_settings)
    data = embedded.data_folder(embedded_settings.tracker_home)
    pid_file = (data / "postmaster.pid").read_text()
    stop_embedded(embedded_settings)
    (data / "postmaster.pid").write_text(pid_file.replace(pid_file.split()[0], str(os.getpid()), 1))
    open_database(embedded_settings)
    assert stop_embedded(embedded_settings)


def test_a_half_written_pid_file_does_not_stop_a_start(embedded_settings: Settings) -> None:
    open_database(embedded_settings)
    stop_embedded(embedded_settings)
    (embedded.data_folder(embedded_settings.tracker_home) / "postmaster.pid").write_text("")
    open_database(embedded_settings)


def _open(home: str) -> None:
    os.environ["TRACKER_HOME"] = home
    open_database(load_settings())


def test_processes_that_start_at_once_share_one_server(embedded_settings: Settings) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_open, args=[str(embedded_settings.tracker_home)]) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_our_own_socket_folder_as_db_host_still_means_embedded(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", str(embedded.socket_folder(tracker_home)))
    assert locate(load_settings()).is_embedded


def test_a_home_whose_path_is_too_long_for_a_socket_gets_a_short_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_HOME", str(home / 'it\'s a, "long" $HOME' / ("x" * 90)))
    settings = load_settings()
    database = open_database(settings)
    try:
        assert database.host.startswith("/tmp/tracker-")
        database.connect().close()
    finally:
        stop_embedded(settings)
    assert not Path(database.host).exists()


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRACKER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(DatabaseUnavailable, match="TRACKER_HOME"):
        open_database(load_settings())


def test_the_log_of_a_server_that_does_not_start_is_shown(embedded_settings: Settings) -> None:
    open_database(embedded_settings)
    stop_embedded(embedded_settings)
    data = embedded.data_folder(embedded_settings.tracker_home)
    (data / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(DatabaseUnavailable, match="nonsense"):
        open_database(embedded_settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_an_ordinary_user_runs_the_embedded_database(home: Path) -> None:
    script = (
        "import os; from profiles.database import *; from profiles.settings import *\n"
        "from profiles.database import embedded\n"
        "embedded.binaries(); import psycopg2, psutil\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "s = load_settings(); open_database(s); print(stop_embedded(s))"
    )
    os.chown(home, 65534, 65534)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr


def test_applying_ops_again_waits_for_no_reader(database: Database) -> None:
    with closing(database.connect()) as reader, reader.cursor() as cursor:
        cursor.execute("select * from ops.playlists")
        databases.prepare(database)  # raises where it has to wait for the reader


def test_ops_sql_is_idempotent(database: Database) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.applied_schemas")
        databases.prepare(database)
        cursor.execute("select count(*) from ops.installation")
        assert cursor.fetchone() == (1,)


def test_a_lock_held_elsewhere_is_not_waited_for(database: Database) -> None:
    with (
        advisory_lock(database, "build", wait=False) as first,
        advisory_lock(database, "build", wait=False) as second,
    ):
        assert (first, second) == (True, False)
    with advisory_lock(database, "build", wait=True, timeout_s=0.05) as again:
        assert again


def test_waiting_for_a_lock_ends_with_its_timeout(database: Database) -> None:
    with (
        advisory_lock(database, "build", wait=True),
        advisory_lock(database, "build", wait=True, timeout_s=0.05) as second,
    ):
        assert not second


@pytest.mark.fault(17, "database")
def test_times_are_utc_whatever_the_server_says(database: Database) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(f"alter database {database.name} set timezone to 'Asia/Tokyo'")
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        connection.rollback()
        cursor.execute("show timezone")
        assert cursor.fetchone() == ("UTC",)


def test_addresses_survive_every_character() -> None:
    password = "p@ss:/w?rd&#%' \"€"
    database = Database("2001:db8::1", 5433, "my db/1", "me@home", password, "require")
    assert psycopg2.extensions.parse_dsn(database.dsn) == {
        "host": "2001:db8::1",
        "port": "5433",
        "dbname": "my db/1",
        "user": "me@home",
        "password": password,
        "sslmode": "require",
    }
    assert "p%40ss" not in database.safe_dsn
    assert password not in repr(database)


def test_an_unreachable_database_is_explained_without_its_password() -> None:
    database = Database("127.0.0.1", 1, "tracker", "me", "very-secret-password")
    with pytest.raises(DatabaseUnavailable, match="DB_HOST") as raised:
        database.connect()
    assert "very-secret" not in str(raised.value)
