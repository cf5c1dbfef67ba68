"""Damaged files are recognised and renamed, never deleted."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from profiles import damage
from profiles.damage import set_aside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def scribble(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2 // 4096 * 4096)
        stream.write(bytes(4096))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A small SQLite file in WAL mode. Its last rows are only in its write-ahead log."""
    file = tmp_path / "original.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table kept as select 'row' as name")
        rows = [(f"row {number}" * 20,) for number in range(2000)]
        connection.executemany("insert into kept values (?)", rows)
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("insert into kept values ('in the log')")
        connection.commit()
        # as a kill leaves it
        for suffix in ("", "-wal"):
            shutil.copy(f"{file}{suffix}", tmp_path / f"prefect.db{suffix}")
    return tmp_path / "prefect.db"


def test_a_damaged_file_is_renamed_with_what_belongs_to_it(tmp_path: Path) -> None:
    for name in ("kept.db", "kept.db-wal", "other.db"):
        (tmp_path / name).write_text(name)
    aside = set_aside(tmp_path / "kept.db", tmp_path / "kept.db-wal", tmp_path / "kept.db-shm")
    assert re.fullmatch(r"kept\.db\.damaged-\d{8}T\d{6}Z", aside.name)
    stamp = aside.name.removeprefix("kept.db")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        aside.name: "kept.db",
        f"kept.db-wal{stamp}": "kept.db-wal",
        "other.db": "other.db",
    }


def test_a_folder_damaged_twice_within_one_second_is_kept_twice(tmp_path: Path) -> None:
    kept = []
    for content in ("first", "second", "third"):
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "file").write_text(content)
        kept.append(set_aside(folder))
    assert [(folder / "file").read_text() for folder in kept] == ["first", "second", "third"]


@pytest.mark.parametrize(
    "harm",
    [cut, scribble, lambda file: file.write_bytes(b""), lambda file: file.write_bytes(b"junk " * 9000)],
    ids=["cut", "scribbled", "emptied", "junk"],
)
def test_a_damaged_sqlite_file_is_recognised(kept: Path, harm: Callable[[Path], object]) -> None:
    harm(kept)
    assert damage.damage_of_sqlite(kept)
    [found] = damage.damage_of_prefect_home(kept.parent)
    found.set_aside()
    assert not kept.exists()
    assert not kept.with_name("prefect.db-wal").exists()


def test_a_whole_sqlite_file_is_never_reported_as_damaged(kept: Path) -> None:
    before = kept.read_bytes(), kept.with_name("prefect.db-wal").read_bytes()
    assert damage.damage_of_sqlite(kept) is None
    assert (kept.read_bytes(), kept.with_name("prefect.db-wal").read_bytes()) == before
    with closing(sqlite3.connect(kept)) as connection:
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("begin exclusive")
        connection.execute("insert into kept values ('in use')")
        assert damage.damage_of_sqlite(kept) is None  # locked, not damaged
    assert damage.damage_of_sqlite(kept.with_name("missing.db")) is None
    assert damage.damage_of_sqlite(kept.parent) is None


def test_a_damaged_toml_file_is_recognised(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    for content, is_damaged in (
        (b"active = [[[", True),
        (b"\xff\xfe", True),
        (b'active = "x"', False),
        (b"", False),
    ):
        file.write_bytes(content)
        assert [each.file for each in damage.damage_of_prefect_home(tmp_path)] == [file] * is_damaged
