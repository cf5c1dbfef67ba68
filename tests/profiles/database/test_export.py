"""Exports contain every table and type except the sign-in, and need little memory."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from profiles import cli as command
from profiles.database import export as exports
from profiles.database.export import Format, export
from profiles.errors import InputError
from tests.support.lived_in import PERSONAL, SECRETS, files_with, move_in

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database

BOTH = pytest.mark.parametrize("file_format", ["parquet", "csv"])


@pytest.fixture
def lived_in(database: Database) -> Database:
    move_in(database)
    return database


@BOTH
def test_every_table_but_the_sign_in_is_exported(
    lived_in: Database, tmp_path: Path, file_format: Format
) -> None:
    done = export(lived_in, tmp_path / "mine", file_format=file_format)
    manifest = json.loads((done.folder / "manifest.json").read_text())
    described = {one["table"]: one for one in manifest["tables"]}
    assert {name: one["rows"] for name, one in described.items()} == done.rows
    assert all((done.folder / one["file"]).is_file() for one in described.values())
    assert done.rows["raw_spotify.liked_tracks"] == 2500
    assert done.rows["raw_export.empty_one"] == 0
    assert done.rows["analytics.top"] == 1
    missing = {"ops.tokens", "ops.token_imports", "ops.pending_logins", "raw_spotify_staging.liked_tracks"}
    assert not missing & set(done.rows)
    assert described["analytics.playlist_selections"]["columns"] == {"slug": "text", "position": "integer"}


@BOTH
def test_an_export_holds_no_token(lived_in: Database, tmp_path: Path, file_format: Format) -> None:
    folder = export(lived_in, tmp_path / "mine", file_format=file_format).folder
    assert files_with(folder, *SECRETS) == []


def test_parquet_keeps_types_and_values(lived_in: Database, tmp_path: Path) -> None:
    folder = export(lived_in, tmp_path / "mine").folder
    (odd, empty) = pq.read_table(folder / "intermediate" / "oddities.parquet").to_pylist()
    assert odd['odd "name" %'] == 'a,"b"\n\t\'; drop table all'
    assert odd["share"] == Decimal("12.50")
    assert odd["whole"] == pytest.approx(12345678901234567890.5)
    assert odd["artists"] == [PERSONAL, None, 'a"b']
    assert odd["counts"] == [1, None]
    assert odd["day"] == date(44, 3, 15)
    assert odd["blob"] == b"\x00\xff"
    assert odd["ends_at"] is None
    assert set(empty.values()) - {2} == {None}
    likes = pq.read_table(folder / "raw_spotify" / "liked_tracks.parquet")
    (first,) = (row for row in likes.to_pylist() if row["track_id"] == "track1")
    assert first["added_at"] == datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    assert json.loads(first["payload"]) == {"name": PERSONAL, "n": 1}


def test_csv_keeps_every_value_as_postgresql_shows_it(lived_in: Database, tmp_path: Path) -> None:
    folder = export(lived_in, tmp_path / "mine", file_format="csv").folder
    with (folder / "intermediate" / "oddities.csv").open(newline="", encoding="utf-8") as stream:
        odd, _ = csv.DictReader(stream)
    assert odd['odd "name" %'] == 'a,"b"\n\t\'; drop table all'
    assert odd["whole"] == "12345678901234567890.5"
    assert odd["ends_at"] == "infinity"


def test_a_large_table_is_exported_in_batches(
    lived_in: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH_ROWS", 1000)
    folder = export(lived_in, tmp_path / "mine").folder
    file = pq.ParquetFile(folder / "raw_spotify" / "liked_tracks.parquet")
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [1000, 1000, 500]


def test_an_export_is_for_its_owner_alone(lived_in: Database, tmp_path: Path) -> None:
    folder = export(lived_in, tmp_path / "mine").folder
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert modes == {0o600, 0o700}


def test_an_export_refuses_a_folder_that_is_not_empty(lived_in: Database, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(InputError, match="not empty"):
        export(lived_in, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_empty_folder_is_filled(lived_in: Database, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    export(lived_in, folder)
    assert (folder / "manifest.json").is_file()


def test_an_export_that_fails_leaves_nothing(
    lived_in: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lived_in.transaction() as cursor:
        cursor.execute(
            "create view analytics.broken as"
            " select 1 / (position - 1) as x from analytics.playlist_selections"
        )
    with pytest.raises(Exception, match="division by zero"):
        export(lived_in, tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_an_export_works_from_the_terminal(
    lived_in: Database,
    tracker_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in lived_in.environment().items():
        monkeypatch.setenv(name, value)
    assert command.main(["export", str(tmp_path / "mine"), "--format", "csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["snapshots.likes"] == 1
    assert command.main(["export", str(tmp_path / "mine")]) == 2
    assert "not empty" in capsys.readouterr().err
