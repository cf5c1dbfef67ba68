"""Another time than now is refused, except in a database that was declared as simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import extract.cli
import playlists.cli
from extract.loading import pipeline
from profiles import simulated_time
from profiles.doctor import examine
from profiles.errors import InputError, SettingsError
from profiles.session import open_session
from profiles.settings import load_settings
from tests.dbt.payloads import execute, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from profiles.session import Session

MARCH, APRIL = "2026-03-01T12:00:00+00:00", "2026-04-01T12:00:00+00:00"
REFUSED = f"TRACKER_AS_OF is set to {MARCH}, and this database holds a real listening history"


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (extract.cli.main, ["sync", "plays"]),
        (extract.cli.main, ["sync", "likes"]),
        (playlists.cli.main, ["plan"]),
        (playlists.cli.main, ["apply"]),
        (playlists.cli.main, ["undo", "rediscover"]),
    ],
)
def test_no_load_and_no_push_is_made_as_of_another_moment(
    main: Callable[[Sequence[str]], int],
    arguments: list[str],
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRACKER_AS_OF", MARCH)
    assert main(arguments) == 2
    assert REFUSED in capsys.readouterr().err
    assert rows(session.database, "select count(*) from ops.play_polls") == [(0,)]


def test_the_doctor_reports_a_refused_as_of(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_AS_OF", MARCH)
    [found] = [one for one in examine(load_settings()).findings if one.subject == "TRACKER_AS_OF"]
    assert found.state == "bad_input"
    assert found.message.startswith(REFUSED)
    assert found.remedy.startswith("Take TRACKER_AS_OF out of the environment and out of .env")


def test_simulated_time_moves_forward_only_and_ends(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated_time.begin(session.database)
    for moment in (MARCH, MARCH, APRIL):
        monkeypatch.setenv("TRACKER_AS_OF", moment)
        with open_session():
            pass
    monkeypatch.setenv("TRACKER_AS_OF", MARCH)
    with pytest.raises(SettingsError, match=f"already lived until {APRIL[:10]}"), open_session():
        pass
    simulated_time.end(session.database)
    monkeypatch.setenv("TRACKER_AS_OF", APRIL)
    with pytest.raises(SettingsError, match="holds a real listening history"), open_session():
        pass


def test_a_database_with_anything_of_a_person_stays_in_real_time(session: Session) -> None:
    pipeline.ensure_tables(session)
    execute(session.database, "insert into ops.play_polls (polled_at, outcome) values (now(), 'empty')")
    with pytest.raises(InputError, match="is not empty"):
        simulated_time.begin(session.database)
    execute(session.database, "truncate ops.play_polls")
    simulated_time.begin(session.database)
    execute(session.database, "insert into ops.play_polls (polled_at, outcome) values (now(), 'empty')")
    simulated_time.begin(session.database)  # it is declared already
