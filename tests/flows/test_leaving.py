"""Leaving: the sign-in is forgotten for good, and a purge leaves no personal row and no file."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import pytest

from flows import cli as command
from flows import leaving
from flows.leaving import disconnect
from flows.purge import plan_purge, purge
from profiles import dbt
from profiles.database import Database, advisory_lock, embedded, open_database
from profiles.database.backup import backup
from profiles.errors import AuthorizationLost, TrackerError
from profiles.settings import Settings, load_settings
from profiles.spotify.client import SpotifyClient
from tests.support.lived_in import PERSONAL, SECRETS, contents, files_with, move_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.session import Session

UNUSED = {"ops.applied_schemas", "ops.installation"}


@pytest.fixture
def database(new_database: Database) -> Database:
    """A database without raw tables: what stands in a home is what a test writes there."""
    return new_database


@pytest.fixture
def settings(
    database: Database, tracker_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    return at_home(tracker_home, tmp_path, monkeypatch)


@pytest.fixture
def embedded_settings(
    tracker_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    yield at_home(tracker_home, tmp_path, monkeypatch)
    embedded.stop(tracker_home)


def at_home(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Let a home look lived in, with what dlt, dbt, Prefect and reports leave there."""
    project = tmp_path / "project"
    monkeypatch.setattr(dbt, "DBT_PROJECT_DIR", project)
    for name in (
        *("dlt/abc/spotify_library/load/loaded/1/likes.jsonl", "dbt/target-0/run_results.json"),
        *("dbt/logs/dbt.log", "report.html", "prefect/prefect.db", "prefect-temporary/prefect.db"),
        *("dlt.damaged-20260101T000000Z/abc/load/loaded/1/likes.jsonl", "services/server.log"),
        "backups/tracker-20260101T000000000000Z.dump",
    ):
        write(home / name)
    write(project / "target" / "manifest.json")
    write(project / "models" / "mine.sql", "select 1")
    write(home / "my own.txt", "a letter")
    return load_settings()


def write(file: Path, text: str = PERSONAL) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def filled_tables(database: Database) -> set[str]:
    return {name for name, rows in contents(database).items() if rows}


def test_a_forgotten_sign_in_is_not_imported_again(session: Session) -> None:
    session.spotify.get("me")
    done = disconnect(session.settings, session.database)
    assert done.was_signed_in
    assert any("SPOTIFY_REFRESH_TOKEN" in hint for hint in done.hints)
    assert contents(session.database)["ops.tokens"] == []
    with (
        closing(SpotifyClient(session.settings, session.database)) as client,
        pytest.raises(AuthorizationLost, match="tracker login"),
    ):
        client.get("me")


def test_a_token_that_was_never_used_is_not_imported_after_a_disconnect(session: Session) -> None:
    assert not disconnect(session.settings, session.database).was_signed_in
    with (
        closing(SpotifyClient(session.settings, session.database)) as client,
        pytest.raises(AuthorizationLost),
    ):
        client.get("me")


def test_disconnecting_keeps_the_data(settings: Settings, database: Database) -> None:
    move_in(database)
    before = contents(database)
    disconnect(settings, database)
    after = contents(database)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"ops.tokens", "ops.pending_logins", "ops.token_imports"}
    assert not any(secret in str(after["ops.tokens"] + after["ops.pending_logins"]) for secret in SECRETS)


def test_a_purge_leaves_no_row_and_no_file(settings: Settings, database: Database) -> None:
    move_in(database)
    backup(settings, database)
    plan = purge(settings, database)
    assert plan.rows["raw_spotify.liked_tracks"] == 2500
    assert filled_tables(database) == set()
    home = settings.tracker_home
    assert files(home) == ["backups/tracker-20260101T000000000000Z.dump", "my own.txt"]
    assert any("1 backups of other databases" in sentence for sentence in plan.left)
    assert files(dbt.DBT_PROJECT_DIR) == ["models/mine.sql"]


def test_a_purged_database_can_be_used_again(settings: Settings, database: Database) -> None:
    move_in(database)
    purge(settings, database)
    assert filled_tables(open_database(settings)) == UNUSED


def test_a_purge_ends_the_embedded_database_with_its_log(embedded_settings: Settings) -> None:
    home = embedded_settings.tracker_home
    database = open_database(embedded_settings)
    move_in(database)
    assert files_with(home / "postgres", PERSONAL) != []
    plan = purge(embedded_settings, database)
    assert plan.drops_cluster
    assert files(home) == ["my own.txt", "postgres.lock"]
    assert (home / "postgres.lock").read_text() == ""  # the next start misses nothing
    assert files_with(home, PERSONAL, *SECRETS) == []
    assert filled_tables(open_database(embedded_settings)) == UNUSED


def test_a_purge_spares_another_database_in_the_embedded_server(
    embedded_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_NAME", "hers")
    hers = open_database(load_settings())
    move_in(hers)
    before = contents(hers)
    database = open_database(embedded_settings)
    move_in(database)
    plan = purge(embedded_settings, database)
    assert not plan.drops_cluster
    assert any("database hers" in sentence for sentence in plan.left)
    assert filled_tables(database) == set()
    assert contents(hers) == before


def test_a_caller_who_still_writes_keeps_the_embedded_server(embedded_settings: Settings) -> None:
    database = open_database(embedded_settings)
    move_in(database)
    purge(embedded_settings, database, keep_server=True)
    assert filled_tables(database) == set()


def test_a_token_in_the_environment_is_not_imported_after_a_purge(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt, "DBT_PROJECT_DIR", tmp_path)
    session.spotify.get("me")
    purge(session.settings, session.database)
    assert filled_tables(session.database) == {*UNUSED, "ops.token_imports"}
    with (
        closing(SpotifyClient(session.settings, session.database)) as client,
        pytest.raises(AuthorizationLost),
    ):
        client.get("me")


def test_the_preview_counts_what_goes_and_changes_nothing(settings: Settings, database: Database) -> None:
    move_in(database)
    with database.transaction() as cursor:
        cursor.execute("create view public.mine as select * from analytics.playlist_selections")
    before = contents(database), files(settings.tracker_home)
    plan = plan_purge(settings, database)
    lines = "\n".join(leaving.preview_lines(plan))
    assert "raw_spotify.liked_tracks" in lines
    assert "public.mine" in lines
    assert str(settings.tracker_home / "dlt") in lines
    assert "account/apps" in lines
    assert before == (contents(database), files(settings.tracker_home))


def test_nothing_is_deleted_while_something_of_ours_is_at_work(
    settings: Settings, database: Database
) -> None:
    move_in(database)
    before = contents(database)
    with advisory_lock(database, "flow:track-plays", wait=True), pytest.raises(TrackerError, match="at work"):
        purge(settings, database)
    assert contents(database) == before


def test_the_flow_that_purges_does_not_stand_in_its_own_way(settings: Settings, database: Database) -> None:
    move_in(database)
    with advisory_lock(database, "flow:disconnect", wait=True):
        purge(settings, database, run_by="flow:disconnect")
    assert filled_tables(database) == set()


def test_the_state_of_a_running_prefect_is_left_and_said_so(settings: Settings, database: Database) -> None:
    me = psutil.Process()
    content = {"pid": me.pid, "started": me.create_time(), "facts": {}}
    write(settings.tracker_home / "services" / "server.json", json.dumps(content))
    plan = purge(settings, database)
    assert any("tracker down" in sentence for sentence in plan.left)
    assert (settings.tracker_home / "prefect" / "prefect.db").exists()


def test_a_link_is_not_followed(settings: Settings, database: Database, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "letter.txt")
    (settings.tracker_home / "docs").symlink_to(tmp_path / "elsewhere")
    plan = purge(settings, database)
    assert (tmp_path / "elsewhere" / "letter.txt").exists()
    assert any("is a link" in sentence for sentence in plan.left)


def test_a_purge_at_the_terminal_wants_a_yes(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    move_in(database)
    before = contents(database)
    assert command.main(["disconnect", "--purge"]) == 2
    shown = capsys.readouterr()
    assert "raw_spotify.liked_tracks" in shown.out
    assert "--yes" in shown.err
    assert command.main(["disconnect", "--purge", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_deleted"] is False
    assert contents(database) == before
    assert command.main(["disconnect", "--purge", "--yes"]) == 0
    assert filled_tables(database) == set()


def test_a_disconnect_at_the_terminal_says_what_is_left_to_do(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["disconnect"]) == 0
    assert "Nobody was signed in." in capsys.readouterr().out
    move_in(database)
    assert command.main(["disconnect", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["disconnected"]["was_signed_in"] is True
