"""A push that is hit at any of its calls: nothing emptied, nothing doubled, put right by the next run."""

from __future__ import annotations

import copy
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from profiles.errors import SpotifyUnavailable
from profiles.session import session_for
from profiles.settings import load_settings
from profiles.spotify.retry import OUTAGES
from sandbox.account.builders import library_of
from sandbox.testing import running_sandbox
from tests.conftest import temporary_database
from tests.playlists.conftest import Stage, furnished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from profiles.database import Database
    from sandbox.control.faults import FaultKind

CHANGED = (
    "ops.playlists",
    "ops.playlist_pushes",
    "ops.build_results",
    "ops.api_cooldowns",
    "analytics.playlist_selections",
    "analytics.playlist_definitions",
)
STORE = "create schema before; " + "".join(
    f"create table before.{name.split('.')[1]} as table {name};" for name in CHANGED
)
RESTORE = "".join(
    f"truncate {name}; insert into {name} overriding system value table before.{name.split('.')[1]};"
    for name in CHANGED
)


class Scene:
    """Two playlists that stand, and what they and a new one shall become: every kind of call is needed.

    Set once; each test begins with what was stored then, which is much quicker than to make it anew.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        songs = stage.uris
        # everything goes: inserted before it is removed; the rest: removed, inserted, moved
        self.wanted = {
            "edited": [songs[20], *songs[:10], songs[301], *songs[10:20], *songs[303:306], *songs[40:60]],
            "fresh": songs[400:430],
            "swapped": songs[200:230],
        }
        self.kept = set(songs[:21]) | set(songs[40:60])
        stage.select("edited", songs[:60])
        stage.select("swapped", songs[100:140])
        stage.push()
        stage.age("Edited")
        self.dates = stage.dates("Edited")
        for slug, uris in self.wanted.items():
            stage.select(slug, uris)
        stage.query(STORE)
        self.playlists = copy.deepcopy(stage.spotify.account.playlists)

    def begin_again(self) -> None:
        """Forget all that was done since."""
        self.stage.spotify.faults.clear()
        self.stage.query(RESTORE)
        self.stage.spotify.account.playlists = copy.deepcopy(self.playlists)
        self.stage.spotify.calls.reset()
        OUTAGES.clear()

    def is_sound(self) -> None:
        """What must hold at every moment."""
        for name in ("Edited", "Swapped", "Fresh"):
            playlists = self.stage.playlists(name)
            assert len(playlists) <= 1, f"{name} exists twice"
            for playlist in playlists:
                assert playlist.uris or name == "Fresh", f"{name} was emptied"
                assert max(Counter(playlist.uris).values(), default=1) == 1, f"{name} holds something twice"

    def is_right(self) -> None:
        """What must hold at the end."""
        self.is_sound()
        for slug, uris in self.wanted.items():
            assert self.stage.playlist(slug.title()).uris == uris
        dates = self.stage.dates("Edited")
        for uri in self.kept:
            assert dates[uri] == self.dates[uri], "a kept entry lost its date"
        self.stage.push()
        assert (self.stage.spotify.calls.reads, self.stage.spotify.calls.writes) == (1, 0)


@pytest.fixture(scope="module")
def set_scene(
    postgres_server: Database, template_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """One database and one simulated Spotify for all tests here."""
    OUTAGES.clear()
    with (
        temporary_database(postgres_server, template=template_database.name) as database,
        running_sandbox(library_of(likes=450, albums=0)) as spotify,
        pytest.MonkeyPatch.context() as patch,
    ):
        home = {"TRACKER_HOME": str(tmp_path_factory.mktemp("home"))}
        for name, value in {**home, **database.environment(), **spotify.environment}.items():
            patch.setenv(name, value)
        with session_for(load_settings(), database) as session:
            yield Scene(furnished(session, spotify))


@pytest.fixture
def scene(set_scene: Scene) -> Scene:
    """The scene as it was set."""
    set_scene.begin_again()
    return set_scene


@pytest.fixture
def stage(scene: Scene) -> Stage:
    """Its stage."""
    return scene.stage


def apply(environment: dict[str, str]) -> None:
    """`tracker playlists apply` in a process that has everything imported already."""
    os.environ.clear()
    os.environ.update(environment)
    from playlists.cli import main

    sys.exit(main(["apply"]))


@pytest.fixture(scope="module")
def children() -> multiprocessing.context.ForkServerContext:
    """Processes that start at once: Python and what a push imports take a second each time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["playlists.push.push", "playlists.cli", "playlists.printing"])
    return context


CALLS = 12
"""Of the undisturbed push of the scene: one listing, one creation, writes and verifications."""
EVERY = range(1, CALLS + 1)
DELETE, POST, MOVE, CREATE, FILL = 2, 3, 5, 7, 8


def hits(**calls: Iterable[int]) -> pytest.MarkDecorator:
    """A test for each kind of fault at each of these calls.

    What is not applied leaves what the call before it left, so not every kind is needed at every call.
    """
    return pytest.mark.parametrize(("kind", "nth"), [(kind, nth) for kind in calls for nth in calls[kind]])


def test_the_scene_takes_as_many_calls_as_are_hit_below(scene: Scene) -> None:
    results = scene.stage.push()
    assert scene.stage.spotify.calls.total == CALLS
    assert {result.outcome for result in results.values()} == {"pushed"}
    scene.is_right()


@hits(server_error=EVERY, server_error_after=EVERY, drop_midway=EVERY, drop_before=(POST, MOVE, CREATE))
def test_a_call_that_fails_once_leaves_the_right_content(scene: Scene, kind: FaultKind, nth: int) -> None:
    scene.stage.spotify.faults.add(kind, nth=nth, path="*")
    scene.stage.push()
    scene.is_sound()
    scene.stage.push()
    scene.is_right()


@hits(server_error_after=EVERY, server_error=(DELETE, CREATE))
def test_an_outage_that_begins_at_any_call_is_made_up_for_afterwards(
    scene: Scene, kind: FaultKind, nth: int
) -> None:
    scene.stage.spotify.faults.add(kind, nth=nth, times=None, path="/*playlists*")
    with suppress(SpotifyUnavailable):  # without a listing the run as a whole fails
        scene.stage.push()
    scene.is_sound()
    scene.stage.spotify.faults.clear()
    scene.stage.push()
    scene.is_right()


@hits(hang_after=EVERY, hang_before=(1, POST, CREATE, FILL))
def test_a_kill_at_any_call_is_repaired_by_the_next_run(
    scene: Scene, children: multiprocessing.context.ForkServerContext, kind: FaultKind, nth: int
) -> None:
    faults = scene.stage.spotify.faults
    faults.add(kind, nth=nth, path="/*playlists*")
    child = children.Process(target=apply, args=(dict(os.environ),))
    child.start()
    try:
        assert faults.wait_for_hang(60) is not None
    finally:
        child.kill()
        child.join()
    assert child.exitcode == -9
    assert faults.wait_for_no_hang()
    faults.clear()
    scene.is_sound()
    scene.stage.push()
    scene.is_right()


@hits(server_error_after=range(1, 6), server_error=(3,))
def test_a_replace_that_breaks_off_is_finished_by_the_next_run(
    stage: Stage, kind: FaultKind, nth: int
) -> None:
    stage.query("delete from analytics.playlist_definitions; delete from analytics.playlist_selections")
    stage.select("long", stage.uris[:250])
    stage.push()
    wanted = stage.uris[249::-1]
    stage.select("long", wanted)
    stage.spotify.faults.add(kind, nth=nth, times=None, path="/playlists*")
    stage.push()
    uris = stage.playlist("Long").uris
    assert len(uris) >= 100
    assert len(set(uris)) == len(uris)
    stage.spotify.faults.clear()
    stage.push()
    assert stage.playlist("Long").uris == wanted
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_two_pushes_at_once_take_turns(scene: Scene) -> None:
    faults, calls = scene.stage.spotify.faults, scene.stage.spotify.calls
    faults.add("hang_before", nth=4)
    command = [sys.executable, "-m", "playlists", "apply", "--json"]
    first = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE)
    assert faults.wait_for_hang(60) is not None
    second = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE)
    made = calls.total
    with pytest.raises(subprocess.TimeoutExpired):
        second.communicate(timeout=1.5)
    assert calls.total == made, "the second waits for the first"
    faults.clear()
    assert b"pushed" in first.communicate(timeout=60)[0]
    assert b"pushed" not in second.communicate(timeout=60)[0]
    scene.is_right()
