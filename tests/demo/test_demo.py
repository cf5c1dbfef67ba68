"""The demo's folder and its final comparison. `make demo` runs the whole demo."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from demo import place, report
from demo.report import Selected

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_demo_lives_below_the_trackers_home(tracker_home: Path) -> None:
    assert place.find_place().home == tracker_home / "sandbox"


def test_within_its_own_environment_it_finds_the_same_place(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = place.find_place().home
    monkeypatch.setenv(place.MARKER, str(home))
    monkeypatch.setenv("TRACKER_HOME", str(home))
    assert place.find_place().home == home


def test_without_an_account_the_shell_stops_instead_of_using_the_real_one(tracker_home: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", 'eval "$LINES_OF_DEMO"; echo went on'],
        env={**os.environ, "LINES_OF_DEMO": place.find_place().shell()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "went on" not in done.stdout
    assert "no simulated account" in done.stderr


def entries(*uris: str) -> dict[str, list[dict[str, str]]]:
    return {"entries": [{"uri": uri} for uri in uris]}


def verdict(truth: dict[str, dict[str, list[dict[str, str]]]], refused: set[str]) -> list[str]:
    selected = [Selected(f"slug_{number}", "Name", f"id{number}", ["a", "b"]) for number in range(8)]
    whole = {one.playlist_id: entries("a", "b") for one in selected if one.playlist_id}
    return report.compare(selected, whole | truth, refused)


def test_equal_lists_are_equal() -> None:
    assert verdict({}, set()) == []


def test_another_order_is_a_difference() -> None:
    assert len(verdict({"id3": entries("b", "a")}, set())) == 1


def test_only_a_track_that_spotify_refused_may_be_missing() -> None:
    assert len(verdict({"id3": entries("b")}, set())) == 1
    whole = {f"id{number}": entries("b") for number in range(8)}
    assert verdict(whole, {"a"}) == []


def test_a_missing_playlist_is_a_difference() -> None:
    assert report.compare([Selected("one", "One", None, [])], {}, set()) == [
        "1 playlists instead of 8",
        "one does not exist on Spotify",
    ]
