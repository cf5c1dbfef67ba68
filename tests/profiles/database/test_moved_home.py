"""A TRACKER_HOME that was deleted, moved or copied while the embedded database ran on it."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from profiles.database import embedded, open_database, stop_embedded
from profiles.errors import DatabaseUnavailable
from profiles.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database


@pytest.fixture(params=["socket in the home", "socket in /tmp"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for homes, outside pytest's own. With a long name the socket is in another folder."""
    folder = Path(tempfile.mkdtemp(prefix=f"tracker-test-{os.getpid()}-"))
    deep = folder / ("x" * 90 if request.param == "socket in /tmp" else "x")
    deep.mkdir()
    yield deep
    for home in deep.iterdir():
        embedded.stop(home)
    shutil.rmtree(folder)


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a running database that holds a row."""
    home = place / "home"
    with closing(open_database(settings_of(home, monkeypatch)).connect()) as connection, connection:
        connection.cursor().execute("insert into ops.build_marks (name) values ('kept')")
    return home


def settings_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TRACKER_HOME", str(home))
    return load_settings()


def marks(database: Database) -> list[str]:
    with database.transaction() as cursor:
        cursor.execute("select name from ops.build_marks")
        return [name for (name,) in cursor.fetchall()]


def server_of(home: Path) -> psutil.Process:
    return psutil.Process(int((embedded.data_folder(home) / "postmaster.pid").read_text().split()[0]))


def test_a_home_deleted_under_its_database_begins_anew_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    orphan = server_of(home)
    shutil.rmtree(home)
    settings = settings_of(home, monkeypatch)
    database = open_database(settings)
    assert not orphan.is_running()  # later it would have taken the new server's socket with it
    assert marks(database) == []
    assert "was deleted while its database ran" in caplog.text
    assert "new, empty" in caplog.text
    assert stop_embedded(settings)


def test_stopping_ends_the_database_of_a_deleted_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = server_of(home)
    shutil.rmtree(home)
    assert stop_embedded(settings_of(home, monkeypatch))
    assert not orphan.is_running()
    assert not home.exists()


def test_a_home_restored_under_the_database_of_the_deleted_one_is_used(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(home, monkeypatch)
    stop_embedded(settings)
    shutil.copytree(home, home.with_name("copy"))
    give_to_server(home.with_name("copy"), like=home)
    orphan_database = open_database(settings)
    with closing(orphan_database.connect()) as connection, connection:
        connection.cursor().execute("insert into ops.build_marks (name) values ('lost')")
    orphan = server_of(home)
    pid_file = (embedded.data_folder(home) / "postmaster.pid").read_text()
    shutil.rmtree(home)
    home.with_name("copy").rename(home)
    (embedded.data_folder(home) / "postmaster.pid").write_text(pid_file)  # as a copy of a running one has it
    assert marks(open_database(settings)) == ["kept"]
    assert not orphan.is_running()


def test_data_that_is_gone_from_a_home_is_named_when_an_empty_database_begins(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(home, monkeypatch)
    stop_embedded(settings)
    shutil.rmtree(embedded.data_folder(home))
    assert marks(open_database(settings)) == []
    assert "is gone" in caplog.text
    assert "new, empty" in caplog.text


def test_a_first_start_and_a_repeated_one_warn_of_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(home, monkeypatch)
    stop_embedded(settings)
    open_database(settings)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_home_moved_under_its_database_goes_on_in_its_new_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = home.rename(home.with_name("moved"))
    settings = settings_of(moved, monkeypatch)
    assert marks(open_database(settings)) == ["kept"]
    assert stop_embedded(settings)
    assert marks(open_database(settings)) == ["kept"]


def test_the_old_place_of_a_moved_home_begins_no_empty_database(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = home.rename(home.with_name("moved"))
    running = server_of(moved)
    with pytest.raises(DatabaseUnavailable) as raised:
        open_database(settings_of(home, monkeypatch))
    assert f"TRACKER_HOME={moved}" in str(raised.value)
    assert running.is_running()
    assert not embedded.data_folder(home).exists()
    assert marks(open_database(settings_of(moved, monkeypatch))) == ["kept"]


def test_a_copy_of_a_home_whose_database_runs_leaves_that_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = server_of(home)
    with closing(open_database(settings_of(home, monkeypatch)).connect(autocommit=True)) as connection:
        connection.cursor().execute("checkpoint")
    copy = home.with_name("copy")
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns(".s.PGSQL.*"))
    give_to_server(copy, like=home)
    assert marks(open_database(settings_of(copy, monkeypatch))) == ["kept"]
    assert server_of(copy).pid != running.pid
    assert running.is_running()
    assert marks(open_database(settings_of(home, monkeypatch))) == ["kept"]
    assert server_of(home).pid == running.pid


def test_a_database_whose_socket_was_deleted_is_started_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (embedded.socket_folder(home) / f".s.PGSQL.{embedded.PORT}").unlink()
    assert marks(open_database(settings_of(home, monkeypatch))) == ["kept"]


def give_to_server(copy: Path, *, like: Path) -> None:
    """Give a copy made by root to the server's account."""
    owner = embedded.data_folder(like).stat()
    for path in [embedded.data_folder(copy), *embedded.data_folder(copy).rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)
