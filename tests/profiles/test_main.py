from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from profiles import cli as command
from profiles import dbt
from profiles.database import Database
from profiles.settings import REPOSITORY, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from profiles.session import Session


def test_the_doctor_finds_nothing_wrong_in_a_good_set_up(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["check"]) == 0
    said = capsys.readouterr().out
    assert "ok    database" in said
    assert "ok    spotify" in said
    assert "library" not in said.split("Next 24 hours")[0]  # not asked for anything but its name
    assert session.settings.spotify_refresh_token is not None
    assert session.settings.spotify_refresh_token.get_secret_value() not in said


def test_the_doctor_says_what_to_do_when_premium_lapsed(
    session: Session, spotify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    spotify.faults.add("premium_lapsed", times=None, path="/me")
    assert command.main(["check", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["remedy"][:13] for finding in findings if finding["state"] == "failed"] == [
        "Renew Premium"
    ]


def test_the_doctor_does_not_call_a_family_in_its_cooldown(
    session: Session, spotify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    session.spotify.get("me")
    session.spotify.budget.start_cooldown("profile", 3600, "QUOTA_EXCEEDED")
    spotify.calls.reset()
    assert command.main(["check"]) == 3
    assert "QUOTA_EXCEEDED" in capsys.readouterr().out
    assert spotify.calls.total == 0


def test_the_doctor_names_a_missing_app(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    assert command.main(["check"]) == 2
    assert "developer.spotify.com/dashboard" in capsys.readouterr().out


def test_an_unreachable_database_is_a_failure_with_its_remedy(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", "1")
    monkeypatch.setenv("DB_PASSWORD", "not-to-be-seen")
    assert command.main(["dsn"]) == 1
    said = capsys.readouterr().err
    assert "DB_HOST" in said
    assert "not-to-be-seen" not in said


def test_a_wrong_setting_ends_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_PORT", "many")
    assert command.main(["dsn"]) == 2
    assert "DB_PORT" in capsys.readouterr().err


def test_an_unknown_argument_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["dsn", "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err


def test_the_address_is_printed_without_its_password(
    database: Database,
    tracker_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    assert command.main(["dsn"]) == 0
    said = capsys.readouterr().out
    assert said == f"{database.safe_dsn}\n"


def test_exports_survive_a_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tracker_home: Path
) -> None:
    awkward = Database("host", 5432, "it's", "me", 'a\'b "c" $(touch x) `y` \\ €\n!', "require")
    monkeypatch.setattr("profiles.database.open_database", lambda _: awkward)
    assert command.main(["env"]) == 0
    script = capsys.readouterr().out + 'printf "%s|%s" "$DB_PASSWORD" "$PGDATABASE"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout
    assert shown == f"{awkward.password}|it's"


def test_psql_opens_the_same_database(session: Session) -> None:
    query = ["psql", "-X", "-A", "-t", "-c", "select count(*) from ops.installation"]
    done = subprocess.run(
        [sys.executable, "-m", "profiles", *query],
        cwd=REPOSITORY,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "1\n"


def test_two_dbt_processes_write_into_two_folders(tracker_home: Path) -> None:
    settings = load_settings()
    with dbt.target_folder(settings) as first, dbt.target_folder(settings) as second:
        assert first != second
    with dbt.target_folder(settings) as again:
        assert again == first  # what was parsed there is used again


def test_builds_take_turns_and_say_who_builds(database: Database) -> None:
    with dbt.build_lock(database, wait=False) as lock, dbt.build_lock(database, wait=False) as other:
        assert lock is not None
        assert other is None
        assert lock.environment() == {"TRACKER_BUILD_PID": str(lock.backend_pid)}


def test_dbt_runs_on_our_database_under_the_build_lock(
    database: Database, tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []

    def remember(arguments: Any, variables: dict[str, str]) -> int:
        seen.append(variables)
        with dbt.build_lock(database, wait=False) as lock:
            return 7 if lock is None else 0

    monkeypatch.setattr(dbt, "_run", remember)
    settings = load_settings()
    assert dbt.run(["build", "--select", "x"], settings, database) == 7  # the lock was held meanwhile
    assert dbt.run(["--quiet", "compile"], settings, database) == 0
    assert "TRACKER_BUILD_PID" in seen[0]
    assert "TRACKER_BUILD_PID" not in seen[1]
    assert seen[0]["DB_NAME"] == database.name
    assert seen[0]["DBT_TARGET_PATH"].startswith(str(tracker_home))


def test_bare_dbt_connects_with_our_profile(database: Database, tracker_home: Path) -> None:
    assert dbt.run(["debug", "--connection"], load_settings(), database) == 0
