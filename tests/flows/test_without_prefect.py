"""Commands that do without Prefect do what the flows do, and leave the same record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flows.cli import main
from profiles.build_marks import clear_mark, database_now, is_build_due, mark_build_due
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.database import Database
    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]

RUNS = "select flow, state, parameters, calls > 0, finished_at is not null from ops.runs order by started_at"
BUILD = "import sys; from flows.cli import main; print(main(['build']), 'prefect' in sys.modules)"


@pytest.fixture
def database(new_database: Database) -> Database:
    """A database without raw tables."""
    return new_database


def test_a_sync_is_recorded_and_leaves_the_mark_that_a_build_is_due(session: Session, ask: Ask) -> None:
    assert main(["sync", "plays"]) == 0
    assert ask(RUNS) == [("sync", "completed", {"full": False, "resources": ["plays"]}, True, True)]
    assert ask("select count(*) > 0 from ops.logs where message like 'plays: %% new of %%'") == [True]
    assert is_build_due(session.database)


def test_a_sync_that_brings_nothing_new_asks_for_no_build(session: Session) -> None:
    assert main(["sync", "plays"]) == 0
    clear_mark(session.database, database_now(session.database))
    assert main(["sync", "plays"]) == 0
    assert not is_build_due(session.database)


def test_a_proxy_is_not_asked_for_what_runs_on_this_machine(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.setenv("no_proxy", "")
    assert main(["sync", "plays"]) == 0
    assert os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"


def test_a_backup_is_recorded_for_the_doctor_to_see(session: Session, ask: Ask, tmp_path: Path) -> None:
    assert main(["backup", "--to", str(tmp_path / "it.dump")]) == 0
    assert ask("select flow, state from ops.runs") == [("backup", "completed")]


def test_a_sync_goes_on_after_a_step_that_a_quota_stops_and_ends_as_deferred(
    session: Session, spotify: RunningSandbox, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    spotify.faults.add("quota_exceeded", "GET", "/me/tracks", retry_after=40_000)
    assert main(["sync", "likes", "plays", "--json"]) == 3
    states = {row["step"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert states == {"plays": "done", "likes": "deferred"}
    assert ask("select state from ops.runs") == ["deferred"]


def test_a_sync_of_exclusions_makes_their_playlist_once(session: Session, ask: Ask) -> None:
    made = "select playlist_id from ops.playlists where slug = 'exclusions'"
    assert main(["sync", "exclusions"]) == 0
    [playlist_id] = ask(made)
    assert main(["sync", "exclusions"]) == 0
    assert ask(made) == [playlist_id]


def test_a_shell_for_dbt_finds_every_table_that_dbt_reads_and_our_own_dbt(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not session.database.relation_exists("raw_spotify.liked_tracks")
    assert main(["env"]) == 0
    assert session.database.relation_exists("raw_spotify.liked_tracks", "raw_export.streaming_history")
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("export ") for line in lines)
    assert f'export PATH={Path(sys.executable).parent}:"$PATH"' in lines


@pytest.mark.slow
def test_a_build_needs_no_prefect_and_takes_the_mark_away(session: Session, ask: Ask) -> None:
    assert main(["sync", "albums", "likes", "plays"]) == 0
    mark_build_due(session.database)
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.stdout.splitlines()[-1] == "0 False", done.stdout + done.stderr
    assert not is_build_due(session.database)
    assert ask("select state from ops.runs where flow = 'build-models'") == ["completed"]
    [tracks] = ask("select count(*) from analytics.unified_tracks")
    assert tracks >= 11
