"""`tracker login` as its user sees it: a terminal, a browser, and a listener between them."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.user_at_consent import decide, with_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
ENOUGH_S = 60


@pytest.fixture
def environment(
    spotify: Any, database: Database, tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    settings = {
        **spotify.environment,
        **database.environment(),
        "SPOTIFY_REDIRECT_URI": f"{free_address()}/callback",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in ("SPOTIFY_REFRESH_TOKEN", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return settings


def free_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class Login:
    """A running `tracker login`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        self.address = self.wait_for(r"  (http\S+)")

    def wait_for(self, pattern: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if match := re.search(pattern, line):
                return match.group(1)
        raise AssertionError(f"it ended without {pattern!r}: {self.said} {self.errors()}")

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def end(self) -> int:
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait(ENOUGH_S)


@contextmanager
def login(*arguments: str, stdin: int = subprocess.DEVNULL) -> Iterator[Login]:
    command = [sys.executable, "-W", "error", "-m", "profiles", "login", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Login(process)
        finally:
            process.kill()


def stored(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction() as cursor:
        cursor.execute("select refresh_token, access_token from ops.tokens")
        return cursor.fetchall()


@pytest.mark.browser
def test_a_person_signs_in_with_a_real_browser(environment: dict[str, str], database: Database) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with login() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(running.address)
        page.get_by_role("button", name="Agree").click()
        page.get_by_role("heading", name="Signed in").wait_for()
        shown = page.content()
        browser.close()
        assert running.end() == 0
    ((refresh_token, access_token),) = stored(database)
    assert "You can close this page" in shown
    assert refresh_token not in shown + running.said
    assert access_token not in shown + running.said


@pytest.mark.browser
def test_a_person_who_cancels_in_a_real_browser_gets_an_explanation(
    environment: dict[str, str], database: Database
) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with login() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(running.address)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="Not signed in").wait_for()
        browser.close()
        assert running.end() == 1
    assert stored(database) == []


@pytest.mark.fault(22, "state")
def test_a_forged_answer_is_refused_and_the_right_one_still_taken(
    environment: dict[str, str], database: Database
) -> None:
    with login() as running:
        answer = decide(running.address)
        forged = requests.get(with_values(answer, state="forged"), timeout=10)
        assert forged.status_code == 400
        assert "wrong state" in forged.text
        assert stored(database) == []
        assert requests.get(answer, timeout=10).status_code == 200
        assert running.end() == 0
    assert len(stored(database)) == 1


@pytest.mark.fault(22, "token")
def test_the_callback_page_never_shows_a_token(environment: dict[str, str], database: Database) -> None:
    callback = environment["SPOTIFY_REDIRECT_URI"]
    shown = []
    with login() as running:
        answer = decide(running.address)
        for address in (callback, f"{callback}?state=&code=", with_values(answer, state="forged"), answer):
            page = requests.get(address, timeout=10)
            shown.append(f"{page.status_code} {page.headers} {page.text}")
        assert running.end() == 0
        printed = running.said + running.errors()
    assert [page[:3] for page in shown] == ["400", "400", "400", "200"]
    ((refresh_token, access_token),) = stored(database)
    everything = "".join([*shown, printed])
    secrets = [refresh_token, access_token, environment["SPOTIFY_CLIENT_SECRET"]]
    assert [secret for secret in secrets if secret in everything] == []


def test_other_pages_of_the_listener_are_empty(environment: dict[str, str]) -> None:
    with login():
        elsewhere = environment["SPOTIFY_REDIRECT_URI"].replace("/callback", "/favicon.ico")
        assert requests.get(elsewhere, timeout=10).status_code == 404


def test_a_connection_without_a_request_does_not_block_the_login(environment: dict[str, str]) -> None:
    with login() as running:
        port = int(environment["SPOTIFY_REDIRECT_URI"].split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            assert requests.get(decide(running.address), timeout=10).status_code == 200
            assert running.end() == 0


def test_the_page_shows_text_as_text_and_may_load_nothing(environment: dict[str, str]) -> None:
    with login() as running:
        answer = requests.get(
            with_values(decide(running.address), state="<script>alert(1)</script>"), timeout=10
        )
        assert "<script>" not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_browser_the_address_is_pasted(environment: dict[str, str], database: Database) -> None:
    with login("--paste", stdin=subprocess.PIPE) as running:
        assert running.process.stdin is not None
        running.process.stdin.write("what?\n")
        running.process.stdin.write(decide(running.address) + "\n")
        running.process.stdin.flush()
        assert running.end() == 0
        assert "Paste again" in running.said
    assert len(stored(database)) == 1


def test_an_address_pasted_at_the_terminal_is_taken_while_the_listener_waits(
    environment: dict[str, str], database: Database
) -> None:
    terminal, its_end = pty.openpty()
    try:
        with login(stdin=its_end) as running:
            os.write(terminal, f"{decide(running.address)}\n".encode())
            assert running.end() == 0
    finally:
        os.close(terminal)
        os.close(its_end)
    assert len(stored(database)) == 1


def test_a_taken_port_without_a_terminal_fails_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    port = int(environment["SPOTIFY_REDIRECT_URI"].split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        done = run()
    assert done.returncode == 2
    assert "--paste" in done.stderr


def test_a_redirect_address_without_a_port_takes_a_free_one(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_REDIRECT_URI", "http://127.0.0.1/callback")
    with login() as running:
        assert requests.get(decide(running.address), timeout=10).status_code == 200
        assert running.end() == 0


def test_no_answer_ends_the_wait_in_time(environment: dict[str, str], database: Database) -> None:
    done = run("--timeout", "1")
    assert done.returncode == 2
    assert "within 1 seconds" in done.stderr
    assert stored(database) == []


def test_a_missing_client_id_is_bad_input_with_the_steps(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    done = run()
    assert done.returncode == 2
    assert "Create an app" in done.stderr
    assert environment["SPOTIFY_REDIRECT_URI"] in done.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "profiles", "login", *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENOUGH_S, check=False
    )
