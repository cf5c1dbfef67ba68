"""Signing in from the UI, leaving, and importing the past, as runs."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.history import is_address
from extract.library import sync
from flows import account
from flows.account import connect_spotify, disconnect
from flows.backup import backup, export
from flows.history import import_history, import_tracker
from flows.run import waiting
from flows.run.recorded_run import BAD_INPUT, outcome_of
from flows.server import prefect_api
from tests.conftest import temporary_database
from tests.extract.history.rows import extended
from tests.support.lived_in import contents
from tests.support.user_at_consent import decide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session

    Ask = Callable[..., list[Any]]

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def api(prefect_server: None) -> Callable[..., Any]:
    from prefect.settings import PREFECT_API_URL

    return lambda method, path, body=None: prefect_api.ask(str(PREFECT_API_URL.value()), method, path, body)


def link_of(message: str) -> str:
    return next(word for word in message.split() if word.startswith("http"))


def test_a_run_shows_the_link_and_a_second_one_takes_the_pasted_address(
    session: Session, spotify: Any, ask: Ask, api: Callable[..., Any]
) -> None:
    shown = connect_spotify(return_state=True)
    address = decide(link_of(str(shown.message)))
    done = connect_spotify(address, return_state=True)
    assert done.is_completed()
    assert "signed in as" in str(done.message)
    assert ask("select count(*) from ops.tokens where authorized_at is not null") == [1]
    code = address.split("code=")[1].split("&")[0]
    runs = api("POST", "flow_runs/filter", {"flows": {"name": {"any_": ["connect-spotify"]}}})
    assert not [run for run in runs if code in json.dumps(run)]
    assert not [row for row in ask("select t::text from ops.runs as t") if code in row]


def test_a_run_in_the_ui_waits_for_its_form_and_forgets_the_answer(
    session: Session, monkeypatch: pytest.MonkeyPatch, ask: Ask, api: Callable[..., Any]
) -> None:
    monkeypatch.setattr(waiting, "has_form", lambda: True)
    monkeypatch.setattr(waiting, "LOOKS_EVERY_S", 0.2)
    paused = threading.Event()
    shown: list[str] = []
    invite = account.invitation

    def invitation(pending: Any) -> str:
        shown.append(pending.address)
        paused.set()
        return invite(pending)

    monkeypatch.setattr(account, "invitation", invitation)
    where = {
        "flows": {"name": {"any_": ["connect-spotify"]}},
        "flow_runs": {"state": {"name": {"any_": ["Paused"]}}},
    }
    answered: list[str] = []

    def answer() -> None:
        paused.wait(60)
        while not (runs := api("POST", "flow_runs/filter", where)):
            paused.wait(0.2)
        while not answered:
            accepted = api(
                "POST", f"flow_runs/{runs[0]['id']}/resume", {"run_input": {"address": decide(shown[0])}}
            )
            answered.append(accepted["status"])

    person = threading.Thread(target=answer)
    person.start()
    state = connect_spotify(return_state=True)
    person.join()
    assert state.is_completed()
    assert "signed in as" in str(state.message)
    run = api("POST", "flow_runs/filter", {"flows": where["flows"], "sort": "START_TIME_DESC", "limit": 1})[0]
    assert api("POST", f"flow_runs/{run['id']}/input/filter", {"prefix": "paused"}) == []


def test_a_run_that_nobody_answers_completes_and_changes_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch, ask: Ask, api: Callable[..., Any]
) -> None:
    monkeypatch.setattr(waiting, "has_form", lambda: True)
    monkeypatch.setattr(waiting, "LOOKS_EVERY_S", 0)
    monkeypatch.setattr(waiting, "WAIT", timedelta(seconds=0.5))
    state = connect_spotify(return_state=True)
    assert (state.name, state.is_completed()) == ("Completed", True)
    assert str(state.message).endswith("sign-in: not answered, nothing changed")
    assert ask("select count(*) from ops.tokens where authorized_at is not null") == [0]
    assert ask("select state from ops.runs") == ["completed"]


def test_while_a_run_waits_it_says_so_and_others_of_its_flow_go_on(
    session: Session, monkeypatch: pytest.MonkeyPatch, ask: Ask, api: Callable[..., Any]
) -> None:
    monkeypatch.setattr(waiting, "has_form", lambda: True)
    monkeypatch.setattr(waiting, "WAIT", timedelta(minutes=2))
    seen: list[Any] = []

    def look(_: float) -> None:
        """Look at the first run while it waits: start a second one, then move on to the end of the day."""
        if seen:
            return
        [run] = api("POST", "flow_runs/filter", {"flow_runs": {"state": {"name": {"any_": ["Paused"]}}}})
        seen.append(run)
        monkeypatch.setattr(waiting, "has_form", lambda: False)
        thread = threading.Thread(target=lambda: seen.append(connect_spotify(return_state=True)))
        thread.start()
        thread.join()
        seen.append(ask("select state from ops.runs order by started_at"))
        monkeypatch.setattr(waiting, "real_now", lambda: datetime.now(UTC) + timedelta(minutes=3))

    monkeypatch.setattr(waiting, "sleep", look)
    assert connect_spotify(return_state=True).is_completed()
    paused, second, states = seen
    assert paused["name"] == "connect Spotify (waits for you: ⋮ → Resume)"
    assert "press Resume" in paused["state"]["message"]
    assert second.is_completed()
    assert states == ["waiting", "completed"]
    left = api("POST", "artifacts/filter", {"flow_runs": {"id": {"any_": [paused["id"]]}}})
    assert any("press Resume" in artifact["data"] for artifact in left)
    assert api("GET", f"flow_runs/{paused['id']}")["name"] == "connect Spotify: done"


def test_a_purge_wants_its_word(session: Session, ask: Ask) -> None:
    sync.sync_liked_tracks(session)
    state = disconnect(purge=True, return_state=True)
    assert (state.is_failed(), outcome_of(state)) == (True, BAD_INPUT)
    assert ask("select count(*) > 0 from raw_spotify.liked_tracks") == [True]


def test_a_purge_from_a_run_leaves_no_row_no_artifact_and_no_log(
    session: Session, api: Callable[..., Any]
) -> None:
    sync.sync_liked_tracks(session)
    disconnect(purge=True, return_state=True)  # leaves an artifact and a run
    state = disconnect(purge=True, confirm="delete", return_state=True)
    assert state.is_completed(), state.message
    assert "Signed out" in str(state.message)
    filled = {table for table, rows in contents(session.database).items() if rows}
    # SPOTIFY_REFRESH_TOKEN is still set: that it is not to be imported is remembered as a fingerprint
    assert filled == {"ops.applied_schemas", "ops.installation", "ops.token_imports"}
    flows = {"flows": {"name": {"any_": ["disconnect", "connect-spotify"]}}}
    assert api("POST", "artifacts/filter", flows) == []
    runs = api("POST", "flow_runs/filter", flows)
    assert [run["state"]["type"] for run in runs] == ["COMPLETED"]  # the purge itself


def test_an_export_is_imported_with_progress_and_a_table(
    session: Session, spotify: Any, tmp_path: Path, ask: Ask, api: Callable[..., Any]
) -> None:
    file = tmp_path / "Streaming_History_Audio_2023_0.json"
    file.write_text(json.dumps([extended(number) for number in range(50)]))
    state = import_history(str(file), build=False, return_state=True)
    assert state.is_completed(), state.message
    assert "50 rows read: 50 plays added, 0 duplicates, 0 rejected; files: 1 read" in str(state.message)
    assert ask("select count(*) from raw_export.streaming_history") == [50]
    assert ask("select count(*) from ops.build_marks") == [1]
    assert spotify.calls.total == 0
    kinds = {
        each["type"]: each["data"]
        for each in api("POST", "artifacts/filter", {"artifacts": {"key": {"any_": ["import-history"]}}})
    }
    assert kinds["progress"] == 100
    assert "| plays | 50 |" in kinds["markdown"]
    again = import_history(str(file), build=False, return_state=True)
    assert "0 rows read: nothing added" in str(again.message)
    assert "files: 1 imported before" in str(again.message)


def test_a_file_that_cannot_be_read_fails_the_run_and_the_others_are_loaded(
    session: Session, tracker_home: Path, ask: Ask, api: Callable[..., Any]
) -> None:
    inbox = tracker_home / "imports"
    inbox.mkdir()
    (inbox / "Streaming_History_Audio_2023_0.json").write_text(json.dumps([extended(1)]))
    (inbox / "Streaming_History_Audio_2023_1.json").write_text("<html>")
    state = import_history(build=False, return_state=True)
    assert (state.is_failed(), outcome_of(state)) == (True, BAD_INPUT)
    assert "Streaming_History_Audio_2023_1.json: a web page or XML document, not JSON" in str(state.message)
    assert ask("select count(*) from raw_export.streaming_history") == [1]
    assert ask("select count(*) from ops.build_marks") == [1]


def test_an_imported_tracker_says_which_rules_wait_and_keeps_them_when_asked(
    session: Session, postgres_server: Database, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    with temporary_database(postgres_server, template="template0") as old:
        with closing(old.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "create table plays (track_id text, played_at timestamp);"
                " insert into plays values ('a', '2020-01-01');"
                "create table playlist_mappings (slug text, name text, rules jsonb);"
                """insert into playlist_mappings values
                ('loud', 'Loud', '{"conditions": [{"field": "plays", "operator": ">", "value": 3}]}'),
                ('odd', 'Odd', '{"conditions": [{"field": "mood", "operator": "is", "value": "blue"}]}')"""
            )
        monkeypatch.setenv("TRACKER_IMPORT_URL", old.dsn)
        waiting = import_tracker(build=False, return_state=True)
        assert "1 waiting: `tracker playlists import-rules`; 1 cannot be translated" in str(waiting.message)
        assert ask("select count(*) from ops.playlist_rules") == [0]
        kept = import_tracker(keep_rules=True, build=False, return_state=True)
    assert "1 kept, paused until you resume them" in str(kept.message)
    assert ask("select slug, state from ops.playlists") == [("loud", "paused")]


def test_a_path_with_nothing_to_import_is_bad_input(session: Session, tmp_path: Path) -> None:
    assert outcome_of(import_history(str(tmp_path / "missing.zip"), return_state=True)) == BAD_INPUT


def test_a_database_address_is_refused_as_a_path_and_not_recorded(session: Session, ask: Ask) -> None:
    state = import_history("postgresql://me:hunter22hunter@old/db", return_state=True)
    assert outcome_of(state) == BAD_INPUT
    assert not [row for row in ask("select t::text from ops.runs as t") if "hunter22" in row]


def test_a_backup_and_an_export_are_runs_too(session: Session, tracker_home: Path, tmp_path: Path) -> None:
    sync.sync_liked_tracks(session)
    assert backup(return_state=True).is_completed()
    assert len(list((tracker_home / "backups").glob("*.dump"))) == 1
    assert export(str(tmp_path / "out"), return_state=True).is_completed()
    assert (tmp_path / "out" / "raw_spotify" / "liked_tracks.parquet").is_file()


def test_a_database_address_is_known_as_one() -> None:
    assert is_address("postgresql://host/db")
    assert not is_address("/data/my_spotify_data.zip")
