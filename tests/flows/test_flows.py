"""The flows on a simulated account, a real PostgreSQL and a real Prefect server, without dbt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flows.listening import track_plays
from flows.nightly import daily_sync, initial_sync
from flows.push import update_playlist
from flows.run.recorded_run import BAD_INPUT, outcome_of
from flows.sync import sync_albums, sync_likes
from profiles import build_marks
from tests.playlists.conftest import furnished

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.run import dbt_build
    from profiles.session import Session

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed steps at once, and once only."""
    from flows import sync

    for step in (sync.load_albums, sync.load_likes, sync.load_playlists):
        monkeypatch.setattr(step, "retry_delay_seconds", [0, 0])


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been built: dbt itself does not run."""
    asked: list[str] = []

    def build(models: dbt_build.Models, **_: Any) -> str:
        asked.append(str(models))
        return "built"

    for module in ("flows.listening", "flows.nightly"):
        monkeypatch.setattr(f"{module}.build_step", build)
    return asked


def test_a_poll_that_finds_nothing_new_builds_nothing(
    session: Session, spotify: Any, built: list[str]
) -> None:
    spotify.account.play(spotify.account.likes[0].track_id)
    assert track_plays(return_state=True).is_completed()
    assert built == ["after_poll"]
    build_marks.clear_mark(
        session.database, build_marks.database_now(session.database)
    )  # as a real build does
    assert "0 new" in str(track_plays(return_state=True).message)
    assert built == ["after_poll"]


def test_a_build_that_could_not_run_is_made_up_for_by_the_next_poll(
    session: Session, spotify: Any, built: list[str]
) -> None:
    spotify.account.play(spotify.account.likes[0].track_id)
    track_plays(return_state=True)  # the mark stays: nothing was really built
    track_plays(return_state=True)
    assert built == ["after_poll", "after_poll"]


def test_a_failing_sync_does_not_stop_the_others_and_is_named(
    session: Session, spotify: Any, built: list[str], ask: Callable[..., list[Any]]
) -> None:
    spotify.faults.add("server_error", "GET", "/me/albums", times=None)
    state = daily_sync(return_state=True)
    assert state.is_failed()
    assert str(state.message).startswith("albums failed: ")
    assert built == ["nightly"]
    assert ask("select count(*) > 0 from raw_spotify.liked_tracks") == [True]
    assert ask("select state from ops.runs where flow = 'daily-sync'") == ["failed"]


def test_a_transient_failure_is_repeated(session: Session, spotify: Any) -> None:
    spotify.faults.add("server_error", "GET", "/me/albums", times=5)
    assert sync_albums(return_state=True).is_completed()


def test_a_quota_stop_is_a_completed_run_named_deferred(
    session: Session, spotify: Any, built: list[str], ask: Callable[..., list[Any]]
) -> None:
    spotify.faults.add("quota_exceeded", "GET", "/me/tracks", times=None, retry_after=7200)
    state = daily_sync(return_state=True)
    assert (state.is_completed(), outcome_of(state)) == (True, "Deferred")
    assert "until" in str(state.message)
    assert built == ["nightly"]
    assert ask("select state from ops.runs") == ["deferred"]


def test_the_initial_sync_loads_everything(
    session: Session, spotify: Any, built: list[str], ask: Callable[..., list[Any]]
) -> None:
    assert initial_sync(push="no", return_state=True).is_completed()
    assert built == ["nightly"]
    for table in ("liked_tracks", "saved_albums", "playlists", "profile"):
        assert ask(f"select count(*) > 0 from raw_spotify.{table}") == [True], table
    assert ask("select slug from ops.playlists") == ["exclusions"]


def test_a_playlist_that_does_not_exist_is_bad_input(session: Session, spotify: Any) -> None:
    stage = furnished(session, spotify)
    stage.select("known", stage.uris[:1])  # a playlist has been built, and not this one
    state = update_playlist(slug="no_such", return_state=True)
    assert (state.is_failed(), outcome_of(state)) == (True, BAD_INPUT)
    assert "No playlist is called no_such" in str(state.message)


def test_parameters_are_checked_before_anything_runs(session: Session) -> None:
    with pytest.raises(Exception, match="slug"):
        update_playlist(slug="Not A Slug")


def test_a_run_writes_its_calls_down(session: Session, spotify: Any, ask: Callable[..., list[Any]]) -> None:
    sync_likes(return_state=True)
    assert ask("select calls from ops.runs") == [spotify.calls.total]
