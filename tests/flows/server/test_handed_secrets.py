"""What `tracker up` tells its processes: settings by the environment, secrets by files of their owner."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flows.server.environment import is_free, without_secrets
from flows.server.handed_secrets import hand_on
from flows.server.layout import Services
from flows.server.services import up
from profiles.errors import SettingsError
from profiles.settings import REPOSITORY, SECRETS_FOLDER, load_settings, secret_variables

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database

SECRETS = {
    "SPOTIFY_CLIENT_SECRET": "client ' ${HOME} # secret",
    "SPOTIFY_REFRESH_TOKEN": "refresh-token",
    "DB_PASSWORD": 'pass"word\\',
    "TRACKER_SECRET_KEY": "secret-key",
    "TRACKER_IMPORT_URL": "postgresql://me:password@host/db",
    "PREFECT_SERVER_API_AUTH_STRING": "me:password",
}


@pytest.fixture
def exported(tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Everything that is secret stands in the environment, as after an `export`."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return Services(load_settings())


def test_what_is_secret_is_known_from_its_type() -> None:
    assert secret_variables() == SECRETS.keys()
    kept = without_secrets({**SECRETS, "PREFECT_API_KEY": "key", "PATH": "/bin"})
    assert kept == {"PATH": "/bin"}


def test_a_run_has_no_secret_in_its_environment_and_knows_each(exported: Services) -> None:
    environment = exported.client_environment()
    # Prefect's client knows its own password by environment alone
    assert environment.pop("PREFECT_API_AUTH_STRING") == SECRETS["PREFECT_SERVER_API_AUTH_STRING"]
    assert not any(value in other for value in SECRETS.values() for other in environment.values())
    script = "from profiles.settings import load_settings; print(sorted(load_settings().secrets()))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(sorted(SECRETS.values()))


def test_only_their_owner_reads_the_files(exported: Services) -> None:
    folder = hand_on(exported.folder / "secrets")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_what_is_no_longer_set_is_no_longer_handed_on(
    exported: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hand_on(exported.folder / "secrets")
    for name in SECRETS:
        monkeypatch.delenv(name)
    # a process that was given the folder hands it on
    monkeypatch.setenv(SECRETS_FOLDER, str(folder))
    assert len(list(hand_on(folder).iterdir())) == len(SECRETS)
    monkeypatch.delenv(SECRETS_FOLDER)
    assert list(hand_on(folder).iterdir()) == []


def test_the_server_alone_learns_what_a_sign_in_is_compared_with(exported: Services) -> None:
    server = exported.server_environment()
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == SECRETS["PREFECT_SERVER_API_AUTH_STRING"]
    assert server["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert server["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == exported.ui_url
    assert SECRETS["SPOTIFY_CLIENT_SECRET"] not in server.values()


def test_other_machines_are_let_in_with_a_password_alone(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_UI_HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match=r"PREFECT_SERVER_API_AUTH_STRING=me:\S{20,}"):
        up(load_settings(), print)
    assert list(tracker_home.iterdir()) == []  # nothing was started
    # the machine itself reaches it at an address that exists
    assert Services(load_settings()).api_url == "http://127.0.0.1:4200/api"


def test_a_port_that_is_taken_is_answered_with_the_line_to_type_for_the_same_instance(
    tracker_home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["/somewhere/tracker", "--sandbox", "up"])
    with socket.socket() as another:
        another.bind(("127.0.0.1", 0))
        another.listen()
        port = another.getsockname()[1]
        monkeypatch.setenv("TRACKER_UI_PORT", str(port))
        with pytest.raises(SettingsError) as raised:
            up(load_settings(), print)
    proposed = re.search(r"`TRACKER_UI_PORT=(\d+) tracker --sandbox up`", raised.value.remedy)
    assert proposed is not None
    assert int(proposed[1]) > port
    assert is_free(int(proposed[1]))
