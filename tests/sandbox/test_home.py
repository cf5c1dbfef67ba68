from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from sandbox.account.builders import small_account
from sandbox.cli import main
from sandbox.life.realistic import realistic_account
from sandbox.testing import RunningSandbox, running_sandbox
from tests.sandbox.conftest import LATER, MIXED, Api, track_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


@contextmanager
def served(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve in another process; yield it with its address, and stop it at the end if it still runs."""
    words = [sys.executable, "-m", "sandbox", "serve", "--home", str(home), "--account", "small", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready at" in line
        try:
            yield process, line.split("ready at ")[1].split()[0]
        finally:
            process.kill()


def snapshot(running: RunningSandbox) -> dict[str, Any]:
    account = running.account
    return {
        "likes": account.likes,
        "albums": account.saved_albums,
        "plays": account.plays,
        "reports": account.reports,
        "tracks": account.tracks,
        "artists": account.artists,
        "playlists": account.playlists,
        "life": account.life,
        "grants": running.tokens.grants,
        "access": running.tokens.access,
        "calls": list(running.calls),
    }


def test_a_home_keeps_everything(tmp_path: Path) -> None:
    with running_sandbox(home=tmp_path) as running:
        api = Api(running)
        api.call("POST", f"playlists/{LATER}/items", {"uris": [track_uri(1001)]})
        api.call("PUT", f"playlists/{MIXED}", {"name": "Renamed", "description": "a & b"})
        api.call("DELETE", "me/library", uris=track_uri(1002))
        made = api.call("POST", "me/playlists", {"name": "Made"}).json()["id"]
        for action, body in (
            ("play", {"track_id": track_uri(1001)[14:]}),
            ("like", {"track_id": track_uri(2004)[14:]}),
            ("unsave", {"album_id": running.account.saved_album_ids[0]}),
            ("delete-playlist", {"playlist_id": LATER}),
        ):
            done = requests.post(f"{running.url}/sandbox/edits/{action}", json=body, timeout=10)
            assert done.json()["ok"], done.text
        requests.post(f"{running.url}/sandbox/options", json={"album_order": "listened"}, timeout=10)
        fault = {"kind": "server_error", "path": "/me", "nth": 2}
        requests.post(f"{running.url}/sandbox/faults", json=fault, timeout=10)
        before = snapshot(running)
        api.close()
    with running_sandbox(home=tmp_path) as running:
        assert snapshot(running) == before
        assert list(running.account.playlists)[-1] == made
        assert running.account.options.album_order == "listened"
        assert running.faults.all[0].nth == 2


def test_a_stored_life_continues_as_it_would_have_in_memory(tmp_path: Path) -> None:
    whole = realistic_account(3, years=0.3, now=NOW)
    with running_sandbox(realistic_account(3, years=0.3, now=NOW, weeks_behind=2), home=tmp_path) as running:
        requests.post(f"{running.url}/sandbox/advance", json={"hours": 100}, timeout=60)
    with running_sandbox(home=tmp_path) as running:
        requests.post(f"{running.url}/sandbox/advance", json={"hours": 236}, timeout=60)
        account = running.account
        assert account.now == NOW
        assert account.plays == whole.plays
        assert account.likes == whole.likes
        assert account.tracks == whole.tracks
        assert account.life == whole.life


def test_a_killed_server_loses_nothing_that_it_answered_and_keeps_its_port(tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as (process, url):
        token = requests.post(
            f"{url}/api/token",
            data={
                "grant_type": "refresh_token",
                "refresh_token": "sandbox-refresh-token-of-no-use-anywhere-else",
            },
            auth=("5a4db0c000000000000000000000fa4e", "sandbox-client-secret-of-no-use"),
            timeout=10,
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{url}/v1/playlists/{LATER}/items"
        added = requests.post(address, json={"uris": [track_uri(1001)]}, headers=headers, timeout=10).json()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with served(tmp_path) as (process, again):
        assert again == url
        page = requests.get(f"{url}/v1/playlists/{LATER}", headers=headers, timeout=10).json()
        assert page["snapshot_id"] == added["snapshot_id"]
        assert page["items"]["total"] == 3
        calls = requests.get(f"{url}/sandbox/calls", timeout=10).json()
        assert calls["by_endpoint"] == {"POST /playlists/{id}/items": 1, "GET /playlists/{id}": 1}
        assert main(["stop", "--home", str(tmp_path)]) == 0
        assert process.wait() == 0
    assert not (tmp_path / "pid").exists()


def test_two_servers_do_not_share_a_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(tmp_path) as (process, _):
        assert (tmp_path / "pid").read_text() == str(process.pid)
        assert main(["serve", "--home", str(tmp_path)]) == 1
        assert "sandbox stop" in capsys.readouterr().err


def test_commands_work_with_and_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    assert main(["env", *home]) == 1
    assert main(["state", *home]) == 1
    assert "serve" in capsys.readouterr().err
    assert main(["stop", *home]) == 0
    with served(tmp_path, "--mode", "legacy") as (_, url):
        capsys.readouterr()
        assert main(["state", *home]) == 0
        state = json.loads(capsys.readouterr().out)
        assert (state["is_running"], state["mode"], state["likes"]) == (True, "legacy", 11)
        assert main(["export", *home, "--to", str(tmp_path / "a.zip"), "--no-quirks"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"] == 6
        assert main(["stop", *home]) == 0
    capsys.readouterr()
    assert main(["env", *home]) == 0
    assert f"export SPOTIFY_API_URL={url}/v1/" in capsys.readouterr().out
    assert main(["advance", *home, "--hours", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    assert main(["state", *home]) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "legacy"


def test_env_prints_the_settings_for_a_shell(tmp_path: Path) -> None:
    with served(tmp_path) as (_, url):
        script = f'eval "$({sys.executable} -m sandbox env --home {tmp_path})"; echo "$SPOTIFY_ACCOUNTS_URL"'
        shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == f"{url}/"


def test_a_new_home_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    with running_sandbox(small_account(), home=tmp_path) as running:
        before = snapshot(running)
    with running_sandbox(home=tmp_path) as running:
        assert snapshot(running) == before
