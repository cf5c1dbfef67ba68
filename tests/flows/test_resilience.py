"""What Spotify does at its worst, and that a run ends soon, says so truthfully and loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from extract.library import sync as library_sync
from flows import catalog, listening, sync
from flows import cli as command
from flows.listening import track_plays
from flows.nightly import daily_sync
from flows.run.recorded_run import outcome_of
from flows.server import environment
from flows.sync import sync_likes_full
from profiles.spotify.retry import OUTAGES
from sandbox.account.builders import library_of
from sandbox.testing import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

pytestmark = pytest.mark.usefixtures("prefect_server")

STEPS = (
    *(sync.load_albums, sync.load_likes, sync.load_playlists, listening.load_plays),
    *(catalog.load_availability, catalog.load_artists, catalog.load_artist_albums),
)
REMOVALS = "select count(*) from raw_spotify.library_removals where event = 'removed'"
LIKES = "select count(*) from raw_spotify.liked_tracks"
A_DAY_S = 85_771


@pytest.fixture
def spotify() -> Iterator[Any]:
    """An account whose likes fill five pages."""
    OUTAGES.clear()
    with running_sandbox(library_of(likes=230, albums=3)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, spotify: Any) -> None:
    """Repeat failed steps at once; dbt itself does not run."""
    monkeypatch.setenv("SPOTIFY_MARKET", spotify.market)
    for step in STEPS:
        monkeypatch.setattr(step, "retry_delay_seconds", [0])
    for module in ("flows.listening", "flows.nightly"):
        monkeypatch.setattr(f"{module}.build_step", lambda *_, **__: "built")


@pytest.mark.fault(10, "long waits")
@pytest.mark.parametrize("kind", ["rate_limited", "quota_exceeded"])
def test_a_day_of_rest_in_mid_pass_defers_the_run_and_loses_nothing(
    session: Session, spotify: Any, ask: Ask, kind: str
) -> None:
    assert sync_likes_full(return_state=True).name == "Completed"
    for like in spotify.account.likes[10:13]:
        spotify.account.unlike(like.track_id)
    spotify.faults.add(kind, "GET", "/me/tracks", nth=3, times=None, retry_after=A_DAY_S)
    state = sync_likes_full(return_state=True)  # who slept for a day would meet the tests' time limit
    assert (state.is_completed(), outcome_of(state)) == (True, "Deferred")
    assert "until" in str(state.message)
    assert ask(REMOVALS) == [0]
    assert ask("select state from ops.runs order by started_at desc limit 1") == ["deferred"]

    # the other families go on
    spotify.account.play(spotify.account.likes[0].track_id)
    assert track_plays(return_state=True).name == "Completed"

    # this one is left alone until its time is over
    spotify.faults.clear()
    spotify.calls.reset()
    assert outcome_of(sync_likes_full(return_state=True)) == "Deferred"
    assert spotify.calls.total == 0
    ask("update ops.api_cooldowns set until = now() - interval '1 second'")
    assert sync_likes_full(return_state=True).name == "Completed"
    assert ask(REMOVALS) == [3]


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("premium_lapsed", "Premium"),
        ("server_error", "the next run tries again"),
        ("timeout", "the next run tries again"),
        ("drop_before", "the next run tries again"),
    ],
)
def test_an_outage_fails_the_run_soon_with_its_remedy_and_the_next_run_completes(
    session: Session, spotify: Any, ask: Ask, kind: str, remedy: str
) -> None:
    library_sync.sync_liked_tracks(session)
    rows = ask(LIKES)
    gone = spotify.account.likes[10].track_id
    spotify.account.unlike(gone)
    spotify.faults.add(kind, "*", "*", times=None, delay_s=0.05)
    state = daily_sync(return_state=True)
    assert state.is_failed()
    assert remedy in str(state.message)
    assert (ask(REMOVALS), ask(LIKES)) == ([0], rows)
    spotify.faults.clear()
    assert daily_sync(return_state=True).name == "Completed"
    assert ask("select id from raw_spotify.library_removals") == [gone]


def test_only_the_first_step_of_an_outage_is_tried_twice(session: Session, spotify: Any) -> None:
    library_sync.sync_liked_tracks(session)
    spotify.faults.add("server_error", "*", "*", times=None)
    spotify.calls.reset()
    daily_sync(return_state=True)
    # five attempts and one more after a pause; then one for each of the other steps that have to ask
    assert 6 < spotify.calls.total <= 6 + 5


def test_the_command_ends_with_3_when_deferred_and_with_1_when_spotify_refuses(
    session: Session, spotify: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    for name, value in environment.COMMON.items():
        monkeypatch.setenv(name, value)
    spotify.faults.add("quota_exceeded", "GET", "/me/tracks", retry_after=A_DAY_S)
    assert command.main(["run", "sync-likes-full"]) == 3
    assert "sync-likes-full: deferred" in capsys.readouterr().out
    spotify.faults.add("premium_lapsed", "*", "*", times=None)
    assert command.main(["run", "sync-exclusions"]) == 1
    assert "Premium" in capsys.readouterr().out
