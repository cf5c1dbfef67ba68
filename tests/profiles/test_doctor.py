"""The doctor on instances with one trouble each: what is wrong, and what helps."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import pytest

from profiles import checked_settings, doctor
from profiles.database import embedded, open_database
from profiles.errors import ExitStatus
from profiles.settings import load_settings
from profiles.signin.scopes import SCOPES, missing_from, refused_in

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.findings import Finding
    from profiles.session import Session

Usage = namedtuple("Usage", "total used free")
GB = 1_000_000_000


def found(name: str, **where: Any) -> list[Finding]:
    """What is said about a subject."""
    return [each for each in checked_settings.findings(load_settings(), **where) if each.subject == name]


def trouble(findings: Any) -> list[tuple[str, str, str, str]]:
    return [(each.subject, each.state, each.message, each.remedy) for each in findings if each.state != "ok"]


@pytest.fixture
def client_id(tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "of-an-app")
    monkeypatch.setenv("SPOTIFY_MARKET", "DE")


def test_an_interval_that_loses_plays_is_a_failure(client_id: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_POLL_SECONDS", "3600")
    [(_, state, message, remedy)] = trouble(found("settings"))
    assert (state, "TRACKER_POLL_SECONDS=3600 loses plays" in message) == ("failed", True)
    assert "1500 or less" in remedy
    monkeypatch.setenv("TRACKER_POLL_SECONDS", "1500")
    assert trouble(found("settings")) == []


def test_a_redirect_that_spotify_refuses_is_a_wrong_setting(
    client_id: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_REDIRECT_URI", "http://localhost:8888/callback")
    [(_, state, message, remedy)] = trouble(found("settings"))
    assert (state, "'localhost'" in message, "127.0.0.1:8888" in remedy) == ("bad_input", True, True)


def test_misspelt_settings_are_named_with_the_one_that_was_meant(
    client_id: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "env"
    file.write_text("SPOTIFY_CLIENT_SECRT=x\nDB_PASWORD=y\nOTHER=z\nTRACKER_SOMETHING_ELSE=1\n")
    monkeypatch.setenv("TRACKER_ENV_FILE", str(file))
    monkeypatch.setenv("TRACKER_TIMEZONES", "Europe/Berlin")
    monkeypatch.setenv("DB_OF_ANOTHER_PROGRAM", "x")
    said = {message.split()[0]: remedy for _, _, message, remedy in trouble(found("settings"))}
    assert said.keys() == {
        *("SPOTIFY_CLIENT_SECRT", "DB_PASWORD", "TRACKER_SOMETHING_ELSE", "TRACKER_TIMEZONES")
    }
    assert said["SPOTIFY_CLIENT_SECRT"] == "Did you mean SPOTIFY_CLIENT_SECRET?"
    assert said["DB_PASWORD"] == "Did you mean DB_PASSWORD?"


@pytest.mark.parametrize(("free", "state"), [(100 * GB, "ok"), (GB, "note"), (GB // 10, "failed")])
def test_a_disk_that_fills_up_is_seen_before_it_is_full(
    client_id: None, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(200 * GB, 200 * GB - free, free))
    [finding] = found("disk")
    assert (finding.state, f"{free / GB:.1f} GB free" in finding.message) == (state, True)


def test_backups_on_the_disk_of_the_data_are_said_to_be_there(client_id: None, tracker_home: Path) -> None:
    [finding] = found("backups")
    assert "copy them elsewhere" in finding.message


def test_a_wrong_home_is_named_and_neither_made_nor_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "misspelt"
    monkeypatch.setenv("TRACKER_HOME", str(home))
    said = trouble(doctor.examine(load_settings()).findings)
    assert ("database", "failed") in [each[:2] for each in said]
    assert any(str(home) in message and "TRACKER_HOME is wrong" in remedy for _, _, message, remedy in said)
    assert not home.exists()


def test_a_database_that_does_not_run_is_looked_at_and_stopped_again(tracker_home: Path) -> None:
    open_database(load_settings())
    try:
        embedded.stop(tracker_home)
        findings = doctor.examine(load_settings()).findings
        assert [each.state for each in findings if each.subject == "database"] == ["ok"]
        assert not embedded.is_ready(tracker_home)
    finally:
        embedded.stop(tracker_home)


def test_who_never_signed_in_is_not_told_to_sign_in_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    [(_, state, message, remedy)] = [
        each for each in trouble(doctor.examine(load_settings()).findings) if each[0] == "sign-in"
    ]
    assert (state, message) == ("failed", "No Spotify account is connected.")
    assert remedy.startswith("Sign in: `tracker login`")


def test_what_the_warehouse_says_of_its_health_is_shown_with_what_helps(session: Session) -> None:
    with session.database.transaction() as cursor:
        cursor.execute(
            """
            create schema analytics;
            create table analytics.data_health as
            select * from (values
                ('Plays: the last poll that Spotify answered', 'red', '50.0 hours ago', 'tracker sync plays'),
                ('The last backup', 'warn', '100.0 hours ago', 'tracker backup'),
                ('Playlists that fail', 'red', '2', 'tracker playlists list'),
                ('Fields that Spotify has probably dropped', 'ok', '0', null)
            ) as checks (title, state, figure, remedy)
            """
        )
    diagnosis = doctor.examine(session.settings)
    assert [each for each in trouble(diagnosis.findings) if each[0] == "data"] == [
        (
            *("data", "failed", "Plays: the last poll that Spotify answered: 50.0 hours ago"),
            "`tracker sync plays`",
        ),
        ("data", "note", "The last backup: 100.0 hours ago", "`tracker backup`"),
        ("data", "failed", "Playlists that fail: 2", "`tracker playlists list`"),
    ]
    assert diagnosis.exit_status is ExitStatus.FAILED


def test_services_that_do_not_run_are_a_note_before_they_were_ever_started(tracker_home: Path) -> None:
    from flows.server import checked_services

    [(subject, state, message, remedy)] = trouble(checked_services.findings(load_settings()))
    assert (subject, state, "plays are not polled" in message) == ("services", "note", True)
    assert "`tracker up`" in remedy


def test_who_declines_what_is_optional_is_not_told_to_sign_in_again() -> None:
    needed = [scope.name for scope in SCOPES if scope.is_used and not scope.is_optional]
    assert missing_from(" ".join(needed)) == ()
    assert [scope.name for scope in refused_in(" ".join(needed))] == ["user-top-read"]
    assert missing_from("user-top-read") == tuple(needed)
