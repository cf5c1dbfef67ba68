"""Backups contain everything except the sign-in, and are restored with every row."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from profiles import cli as command
from profiles.database import Database, advisory_lock, prepare, programs
from profiles.database import backup as backup_module
from profiles.database.backup import backup, backups_folder, manifest_of
from profiles.database.programs import ProgramFailed, find_program, run_program, server_version
from profiles.database.restore import restore
from profiles.errors import InputError, TrackerError
from profiles.settings import Settings, load_settings
from tests.conftest import temporary_database
from tests.support.lived_in import PERSONAL, SECRETS, contents, files_with, move_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET_TABLES = ("ops.tokens", "ops.pending_logins", "ops.token_imports")


@pytest.fixture
def settings(database: Database, tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.fixture
def lived_in(database: Database) -> Database:
    move_in(database)
    return database


@pytest.fixture
def empty(postgres_server: Database) -> Iterator[Database]:
    with temporary_database(postgres_server, template="template0") as other:
        prepare(other)
        yield other


def everything_in(file: Path, database: Database, folder: Path) -> Path:
    """Write a backup as SQL to a file, and return the file."""
    written = folder / "everything.sql"
    program = find_program("pg_restore", server_version(database))
    run_program(program, [f"--file={written}", str(file)], database)
    return written


def test_a_backup_comes_back_with_every_row_of_every_table(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    restored = restore(empty, backup(settings, lived_in).file)
    assert restored.is_verified
    before, after = contents(lived_in), contents(empty)
    for left_out in (*SECRET_TABLES, "raw_spotify_staging.liked_tracks"):
        before.pop(left_out)
    assert [after.pop(name) for name in SECRET_TABLES] == [[], [], []]
    assert after == before
    with empty.transaction() as cursor:
        cursor.execute("select count(*), analytics.twice(21) from staging.stg_likes")
        assert cursor.fetchall() == [(2500, 42)]
        cursor.execute(
            "insert into ops.play_polls (polled_at, outcome) values (now(), 'new') returning poll_id"
        )
        assert cursor.fetchall() == [(3,)]


def test_a_backup_holds_no_token(settings: Settings, lived_in: Database, tmp_path: Path) -> None:
    done = backup(settings, lived_in)
    written = everything_in(done.file, lived_in, tmp_path)
    assert files_with(tmp_path, *SECRETS) == []
    assert files_with(tmp_path, PERSONAL) == [f"{written}: {PERSONAL}"]


def test_a_backup_is_for_its_owner_alone(settings: Settings, lived_in: Database) -> None:
    done = backup(settings, lived_in)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (done.file, manifest_of(done.file))}
    assert modes == {0o600}
    assert stat.S_IMODE(done.file.parent.stat().st_mode) == 0o700


def test_the_last_seven_backups_are_kept(settings: Settings, database: Database) -> None:
    foreign = backups_folder(settings) / "notes.txt"
    foreign.parent.mkdir()
    foreign.touch()
    made = [backup(settings, database) for _ in range(9)]
    kept = sorted(path for path in backups_folder(settings).iterdir() if path.suffix == ".dump")
    assert kept == [done.file for done in made[2:]]
    assert made[-1].removed == (made[1].file,)
    assert len(list(backups_folder(settings).iterdir())) == 7 * 2 + 1


def test_a_backup_elsewhere_is_neither_overwritten_nor_removed(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.dump"
    backup(settings, database, to=mine)
    with pytest.raises(InputError, match="exists already"):
        backup(settings, database, to=mine)
    with pytest.raises(InputError, match="does not exist"):
        backup(settings, database, to=tmp_path / "nowhere" / "mine.dump")


def test_a_backup_that_fails_leaves_no_file(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ProgramFailed("pg_dump failed: disk full")

    monkeypatch.setattr(backup_module, "run_program", fail)
    with pytest.raises(ProgramFailed, match="disk full"):
        backup(settings, database)
    assert list(backups_folder(settings).iterdir()) == []


def test_a_backup_waits_for_a_build(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_module, "LONGEST_BUILD_S", 0.05)
    with advisory_lock(database, "build", wait=True), pytest.raises(TrackerError, match="build"):
        backup(settings, database)


def test_a_database_with_rows_is_not_restored_into(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    done = backup(settings, lived_in)
    before = contents(lived_in)
    with pytest.raises(InputError, match=r"not empty.*liked_tracks \(2500\).*--into"):
        restore(lived_in, done.file)
    assert contents(lived_in) == before


def test_a_new_machine_that_has_only_run_checks_counts_as_empty(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    done = backup(settings, lived_in)
    with empty.transaction() as cursor:
        cursor.execute("insert into ops.api_calls (family, hour, calls) values ('profile', now(), 1)")
    assert restore(empty, done.file).is_verified


def test_a_backup_can_be_restored_beside_what_there_is(settings: Settings, lived_in: Database) -> None:
    done = backup(settings, lived_in)
    name = f'{lived_in.name} it\'s \\ 100% = "new"'
    restored = restore(lived_in, done.file, into=name)
    try:
        assert restored.database.name == name
        assert (
            contents(restored.database)["raw_export.streaming_history"]
            == (contents(lived_in)["raw_export.streaming_history"])
        )
        with pytest.raises(InputError, match="exists already"):
            restore(lived_in, done.file, into=name)
    finally:
        drop(lived_in, name)


def drop(server: Database, name: str) -> None:
    quoted = name.replace('"', '""')
    with closing(server.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(f'drop database if exists "{quoted}" with (force)')


def test_a_damaged_backup_is_noticed_before_anything_is_touched(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    done = backup(settings, lived_in)
    content = bytearray(done.file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    done.file.write_bytes(content)
    before = contents(empty)
    with pytest.raises(InputError, match="damaged"):
        restore(empty, done.file)
    assert contents(empty) == before


def test_a_restore_that_fails_leaves_nothing_behind(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    done = backup(settings, lived_in)
    manifest_of(done.file).unlink()  # so that the damage is found by pg_restore itself
    content = done.file.read_bytes()
    done.file.write_bytes(content[: int(len(content) * 0.9)])
    with pytest.raises(TrackerError):
        restore(empty, done.file, into=f"{empty.name}_half")
    with empty.transaction() as cursor:
        cursor.execute("select count(*) from pg_database where datname = %s", [f"{empty.name}_half"])
        assert cursor.fetchall() == [(0,)]
    with pytest.raises(TrackerError):
        restore(empty, done.file)
    assert not any(rows for name, rows in contents(empty).items() if not name.startswith("ops."))


def test_a_restore_with_missing_rows_fails(settings: Settings, lived_in: Database, empty: Database) -> None:
    done = backup(settings, lived_in)
    manifest = manifest_of(done.file)
    content = json.loads(manifest.read_text())
    content["rows"]["snapshots.likes"] += 1
    manifest.write_text(json.dumps(content))
    with pytest.raises(TrackerError, match=r"snapshots\.likes: 1 of 2"):
        restore(empty, done.file)


def test_a_backup_without_its_manifest_is_restored_and_reported_as_not_compared(
    settings: Settings, lived_in: Database, empty: Database
) -> None:
    done = backup(settings, lived_in)
    manifest_of(done.file).unlink()
    assert not restore(empty, done.file).is_verified
    assert contents(empty)["snapshots.likes"] == contents(lived_in)["snapshots.likes"]


@pytest.mark.parametrize(
    "content", [b"", b"not a dump", gzip.compress(b"x", mtime=0)], ids=["empty", "text", "gzip"]
)
def test_a_file_that_is_no_backup_is_bad_input(empty: Database, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.dump"
    file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        restore(empty, file)


def test_a_dump_of_something_else_is_bad_input(empty: Database, tmp_path: Path) -> None:
    file = tmp_path / "other.dump"
    with closing(empty.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("create table public.mine (id integer)")
    program = find_program("pg_dump", server_version(empty))
    run_program(program, ["--format=custom", f"--file={file}", "--schema=public"], empty)
    with pytest.raises(InputError, match="something else"):
        restore(empty, file)


def test_the_program_of_the_servers_own_version_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [fake_program(tmp_path, version) for version in (15, 16, 17)]
    monkeypatch.setattr(programs, "_candidates", lambda _name: iter(found))
    assert find_program("pg_dump", 16) == found[1]
    assert find_program("pg_dump", 14) == found[0]
    with pytest.raises(ProgramFailed, match=r"PostgreSQL 18 or newer.*found: 15, 16, 17"):
        find_program("pg_dump", 18)


def fake_program(folder: Path, version: int) -> Path:
    program = folder / f"pg_dump{version}"
    program.write_text(f'#!/bin/sh\necho "pg_dump (PostgreSQL) {version}.3 (Debian)"\n')
    program.chmod(0o700)
    return program


def test_the_password_goes_by_environment_and_never_into_a_complaint(tmp_path: Path) -> None:
    database = Database("127.0.0.1", 1, "tracker", "me", "very-secret-password")
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "password=$PGPASSWORD $*" >&2\nexit 1\n')
    program.chmod(0o700)
    with pytest.raises(ProgramFailed) as raised:
        run_program(program, ["--file=x"], database)
    assert "--file=x" in str(raised.value)
    assert "very-secret" not in str(raised.value)


def test_backup_and_restore_work_from_the_terminal(
    settings: Settings, lived_in: Database, tmp_path: Path
) -> None:
    name = f"{lived_in.name}_carried"
    file = tmp_path / "carried.dump"
    try:
        made = run("backup", "--to", str(file), "--json")
        assert json.loads(made.stdout)["rows"]["raw_spotify.liked_tracks"] == 2500
        brought = run("restore", str(file), "--into", name)
        assert f"Set DB_NAME={name}" in brought.stdout
        refused = run("restore", str(file), status=2)
        assert "not empty" in refused.stderr
    finally:
        drop(lived_in, name)


def test_help_teaches_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("backup", "restore", "export"):
        assert command.main([name, "--help"]) == 0
    assert "before the first sign-in" in " ".join(capsys.readouterr().out.split())


def run(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "profiles", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == status, done.stderr
    return done
