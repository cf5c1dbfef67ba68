from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from profiles import redaction
from profiles.clock import as_of
from profiles.database.backup import backups_folder
from profiles.errors import SettingsError
from profiles.settings import REPOSITORY, Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_value_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "")
    monkeypatch.setenv("TRACKER_AS_OF", "")
    settings = load_settings()
    assert settings.db_host is None
    assert settings.tracker_home == REPOSITORY / ".local"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "env"
    file.write_text("DB_NAME=of_the_file\nDB_USER='file user'\nUNKNOWN=1\n")
    monkeypatch.setenv("TRACKER_ENV_FILE", str(file))
    monkeypatch.setenv("DB_NAME", "of_the_environment")
    settings = load_settings()
    assert (settings.db_name, settings.db_user) == ("of_the_environment", "file user")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACKER_TIMEZONE", "Middle/Earth"),
        ("TRACKER_TIMEZONE", "../../etc/passwd"),
        ("DB_PORT", "secret-by-mistake"),
        ("SPOTIFY_API_URL", "ftp://x"),
        ("SPOTIFY_MARKET", "Germany"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as raised:
        load_settings()
    assert value not in str(raised.value)
    assert raised.value.exit_status == 2


def test_addresses_end_with_one_slash_and_folders_are_the_repositorys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPOTIFY_API_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("TRACKER_HOME", "elsewhere")
    monkeypatch.setenv("SPOTIFY_MARKET", "gb")
    settings = load_settings()
    assert settings.spotify_api_url == "http://127.0.0.1:1/v1/"
    assert settings.tracker_home == REPOSITORY / "elsewhere"
    assert settings.spotify_market == "GB"


def test_now_can_be_set_to_any_past_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_AS_OF", "2026-03-01T01:00:00+02:00")
    assert as_of(load_settings()) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    monkeypatch.setenv("TRACKER_AS_OF", "2026-03-01")
    assert as_of(load_settings()) == datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.delenv("TRACKER_AS_OF")
    assert abs((as_of(load_settings()) - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.fault(22, "defaults")
def test_no_secret_has_a_default_that_everybody_knows() -> None:
    assert Settings(_env_file=None).secrets() == []
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    filled = [
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation) and f"\n{name.upper()}=\n" not in example
    ]
    assert filled == []


def test_printed_settings_show_no_secret() -> None:
    settings = Settings(_env_file=None, db_password="hunter2hunter2", spotify_refresh_token="refresh")
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
    assert sorted(settings.secrets()) == ["hunter2hunter2", "refresh"]


@pytest.mark.parametrize(
    "text",
    [
        "Headers: {'Authorization': 'Bearer BQD-hidden_value.1234'}",
        "Basic aGlkZGVuX3ZhbHVlOmhpZGRlbl92YWx1ZQ==",
        "Body: {'refresh_token': 'hidden_value', 'grant_type': 'refresh_token'}",
        '{"access_token":"hidden_value","expires_in":3600}',
        "GET /callback?code=hidden_value&state=x",
        "postgresql://me:hidden_value@host:5432/db",
        "client_secret=hidden_value",
        "password: hidden_value",
    ],
)
def test_secrets_are_recognised_by_the_text_around_them(text: str) -> None:
    clean = redaction.redact(text)
    assert "hidden_value" not in clean
    assert "aGlkZGVu" not in clean
    assert redaction.HIDDEN in clean


@pytest.mark.parametrize(
    "text",
    ["http status: 404, code: -1", "refresh_token: None", "SPOTIFY_REFRESH_TOKEN is refused", "a: b@c"],
)
def test_ordinary_text_is_not_hidden(text: str) -> None:
    assert redaction.redact(text) == text


def test_records_of_every_logger_and_their_tracebacks_are_cleaned(caplog: pytest.LogCaptureFixture) -> None:
    redaction.install(["a-very-secret-value"])
    error = ValueError("a-very-secret-value")
    logging.getLogger("somebody.elses").error("failed with %s", "a-very-secret-value", exc_info=error)
    assert "a-very-secret" not in caplog.text
    assert "ValueError: [hidden]" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_in_another_encoding_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    file = tmp_path / "env"
    file.write_bytes("SPOTIFY_CLIENT_ID=é\n".encode(encoding))
    monkeypatch.setenv("TRACKER_ENV_FILE", str(file))
    with pytest.raises(SettingsError, match=rf"{file} is not encoded in UTF-8.*Save it as UTF-8"):
        load_settings()


def test_a_market_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIFY_MARKET", "Germany")
    with pytest.raises(SettingsError, match="SPOTIFY_MARKET: is no country code of two letters, such as GB"):
        load_settings()


def test_the_file_in_the_home_wins_over_the_repositorys_and_the_environment_over_both(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACKER_ENV_FILE")
    (tracker_home / ".env").write_text("TRACKER_UI_PORT=4999\nDB_NAME=of_the_home\n")
    monkeypatch.setenv("DB_NAME", "of_the_environment")
    settings = load_settings()
    assert (settings.tracker_ui_port, settings.db_name) == (4999, "of_the_environment")


def test_a_secret_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spotify_client_secret").write_text("of the folder\n")
    (tmp_path / "env").write_text("SPOTIFY_CLIENT_SECRET=of the file\n")
    monkeypatch.setenv("TRACKER_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.setenv("TRACKER_SECRETS_DIR", str(tmp_path))
    assert load_settings().secrets() == ["of the folder"]
    monkeypatch.setenv("TRACKER_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="TRACKER_SECRETS_DIR names no folder"):
        load_settings()


def test_two_homes_that_name_the_same_folder_for_backups_do_not_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_BACKUP_DIR", str(tmp_path / "backups"))
    folders = set()
    for home in ("anna", "ben"):
        monkeypatch.setenv("TRACKER_HOME", str(tmp_path / home))
        folders.add(backups_folder(load_settings()))
    assert len(folders) == 2
    assert {folder.parent for folder in folders} == {tmp_path / "backups"}
