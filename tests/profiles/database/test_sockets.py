"""The socket's folder outside the home: another user of the machine must not be our database."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from profiles.database import embedded, open_database
from profiles.errors import DatabaseUnavailable
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose path is too long for a socket."""
    folder = Path(tempfile.mkdtemp(prefix=f"tracker-test-{os.getpid()}-"))
    home = folder / ("x" * 90)
    monkeypatch.setenv("TRACKER_HOME", str(home))
    try:
        yield home
    finally:
        shutil.rmtree(embedded.socket_folder(home), ignore_errors=True)
        shutil.rmtree(folder)


@contextmanager
def somebody_else(home: Path) -> Iterator[list[bytes]]:
    """Somebody who made the folder first and listens at the socket; yields what he was sent."""
    folder = embedded.socket_folder(home)
    data = embedded.data_folder(home)
    # as if our database ran: its file is what is looked at first
    data.mkdir(parents=True)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n0\n")
    received: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / f".s.PGSQL.{embedded.PORT}"))
    listener.listen()

    def receive() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                received.append(connection.recv(100))
                connection.close()

    threading.Thread(target=receive, daemon=True).start()
    try:
        yield received
    finally:
        listener.close()


def test_a_folder_of_another_user_is_refused_and_nothing_is_sent_there(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's folder")
    folder = embedded.socket_folder(home)
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    with somebody_else(home) as received:
        with pytest.raises(DatabaseUnavailable, match=r"belongs to another user.*TRACKER_HOME"):
            open_database(load_settings())
        assert received == []


def test_a_folder_that_others_may_enter_is_refused_and_nothing_is_sent_there(home: Path) -> None:
    folder = embedded.socket_folder(home)
    folder.mkdir()
    folder.chmod(0o777)
    with somebody_else(home) as received:
        with pytest.raises(DatabaseUnavailable, match="open to other users"):
            open_database(load_settings())
        assert received == []


def test_a_link_to_a_folder_is_refused(home: Path, tmp_path: Path) -> None:
    embedded.socket_folder(home).symlink_to(tmp_path)
    try:
        with pytest.raises(DatabaseUnavailable, match="is no folder"):
            open_database(load_settings())
    finally:
        embedded.socket_folder(home).unlink()


def test_a_folder_that_is_taken_later_is_not_asked_by_a_process_that_goes_on(home: Path) -> None:
    try:
        database = open_database(load_settings())
        embedded.stop(home)
        embedded.socket_folder(home).mkdir()
        embedded.socket_folder(home).chmod(0o755)
        with pytest.raises(DatabaseUnavailable, match="open to other users"):
            database.connect()
    finally:
        embedded.stop(home)


def test_our_own_folder_is_closed_to_others(home: Path) -> None:
    try:
        open_database(load_settings())
        assert embedded.socket_folder(home).stat().st_mode & 0o777 == 0o700
    finally:
        embedded.stop(home)
