"""A push that is hit at any of its calls: nothing emptied, nothing doubled, put right by the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from profiles.errors import SpotifyUnavailable

if TYPE_CHECKING:
    from sandbox.faults import FaultKind
    from tests.playlists.conftest import Stage


class Scene:
    """Two playlists that stand, and what they and a new one shall become: every kind of call is needed."""

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
        stage.spotify.calls.reset()

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


def calls_of_an_undisturbed_push(stage: Stage) -> int:
    scene = Scene(stage)
    results = stage.push()
    calls = stage.spotify.calls.total
    assert {result.outcome for result in results.values()} == {"pushed"}
    scene.is_right()
    return calls


CALLS = 12
"""Of the undisturbed push of the scene: one listing, one creation, writes and verifications."""


def test_the_scene_takes_as_many_calls_as_are_hit_below(stage: Stage) -> None:
    assert calls_of_an_undisturbed_push(stage) == CALLS


@pytest.mark.parametrize("nth", range(1, CALLS + 1))
@pytest.mark.parametrize(
    "kind", ["server_error", "server_error_after", "drop_before", "drop_after", "drop_midway"]
)
def test_a_call_that_fails_once_leaves_the_right_content(stage: Stage, kind: FaultKind, nth: int) -> None:
    scene = Scene(stage)
    stage.spotify.faults.add(kind, nth=nth, path="*")
    stage.push()
    scene.is_sound()
    stage.push()
    scene.is_right()


@pytest.mark.parametrize("nth", range(1, CALLS + 1))
@pytest.mark.parametrize("kind", ["server_error", "server_error_after"])
def test_an_outage_that_begins_at_any_call_is_made_up_for_afterwards(
    stage: Stage, kind: FaultKind, nth: int
) -> None:
    scene = Scene(stage)
    stage.spotify.faults.add(kind, nth=nth, times=None, path="/*playlists*")
    with suppress(SpotifyUnavailable):  # without a listing the run as a whole fails
        stage.push()
    scene.is_sound()
    stage.spotify.faults.clear()
    stage.push()
    scene.is_right()


@pytest.mark.fault(2)
@pytest.mark.parametrize("nth", range(1, CALLS + 1))
@pytest.mark.parametrize("kind", ["hang_before", "hang_after"])
def test_a_kill_at_any_call_is_repaired_by_the_next_run(stage: Stage, kind: FaultKind, nth: int) -> None:
    scene = Scene(stage)
    stage.spotify.faults.add(kind, nth=nth, path="/*playlists*")
    child = subprocess.Popen(
        [sys.executable, "-m", "playlists", "apply"],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert stage.spotify.faults.wait_for_hang(60) is not None
    finally:
        child.kill()
        child.wait()
    assert stage.spotify.faults.wait_for_no_hang()
    stage.spotify.faults.clear()
    scene.is_sound()
    stage.push()
    scene.is_right()


@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize("kind", ["server_error", "server_error_after"])
def test_a_replace_that_breaks_off_is_finished_by_the_next_run(
    stage: Stage, kind: FaultKind, nth: int
) -> None:
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


def test_two_pushes_at_once_take_turns(stage: Stage) -> None:
    scene = Scene(stage)
    stage.spotify.faults.add("hang_before", nth=4)
    command = [sys.executable, "-m", "playlists", "apply", "--json"]
    first = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE)
    assert stage.spotify.faults.wait_for_hang(60) is not None
    second = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE)
    calls = stage.spotify.calls.total
    with pytest.raises(subprocess.TimeoutExpired):
        second.communicate(timeout=1.5)
    assert stage.spotify.calls.total == calls, "the second waits for the first"
    stage.spotify.faults.clear()
    assert b"pushed" in first.communicate(timeout=60)[0]
    assert b"pushed" not in second.communicate(timeout=60)[0]
    scene.is_right()
