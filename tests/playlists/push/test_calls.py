"""What pushes cost in calls to Spotify, reads and verification included. Printed with `-rP`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from playlists import records, registry
from playlists.playlist_types import PlaylistEntry
from playlists.push.record import record_observation
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.playlists.conftest import Stage


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """A simulated Spotify with songs for the longest playlist."""
    with running_sandbox(library_of(likes=10_200, albums=0, tracks_per_album=100)) as sandbox:
        yield sandbox


def cost(stage: Stage, wanted: list[str], *, what: str) -> tuple[int, int]:
    stage.select("mine", wanted)
    [result] = stage.push().values()
    assert result.outcome in ("pushed", "unchanged")
    assert stage.playlist("Mine").uris == wanted
    calls = stage.spotify.calls
    how = "replaced" if result.plan.script.is_replace else "edited"
    print(f"{what}: {calls.total} calls ({calls.reads} reads, {calls.writes} writes, {how})")
    return calls.reads, calls.writes


def with_blocks_moved(uris: list[str], moves: int, chance: random.Random) -> list[str]:
    moved = list(uris)
    for _ in range(moves):
        start = chance.randrange(len(moved) - 10)
        block = moved[start : start + 5]
        del moved[start : start + 5]
        at = chance.randrange(len(moved))
        moved[at:at] = block
    return moved


def with_swapped(uris: list[str], fresh: list[str], chance: random.Random) -> list[str]:
    """Some removed and as many added, each at a place of its own."""
    gone = set(chance.sample(uris, len(fresh)))
    changed = [uri for uri in uris if uri not in gone]
    for uri in fresh:
        changed.insert(chance.randrange(len(changed)), uri)
    return changed


def test_five_hundred_tracks(stage: Stage) -> None:
    chance = random.Random(5)
    songs = stage.uris[:500]
    cost(stage, songs, what="500 tracks, first fill")
    assert cost(stage, songs, what="500 tracks, unchanged") == (1, 0)

    stage.age("Mine")
    dates = stage.dates("Mine")
    moved = with_blocks_moved(songs, 5, chance)
    reads, writes = cost(stage, moved, what="500 tracks, 5 moves")
    assert writes <= 5
    assert reads <= 1 + 15
    assert stage.dates("Mine") == dates

    swapped = with_swapped(moved, stage.uris[900:920], chance)
    reads, writes = cost(stage, swapped, what="500 tracks, 20 removed + 20 added at random")
    assert writes <= 21
    assert all(stage.dates("Mine")[uri] == dates[uri] for uri in set(swapped) & set(songs))

    reads, writes = cost(stage, swapped[::-1], what="500 tracks, reversed")
    assert writes == 5


def test_five_changes_among_ten_thousand_tracks(stage: Stage) -> None:
    """`python -m tests.bench playlists` has the other scenarios, and a full replace beside them."""
    chance = random.Random(10)
    songs = stage.uris[:10_000]
    stand(stage, songs)
    assert cost(stage, songs, what="10,000 tracks, unchanged") == (1, 0)
    swapped = with_swapped(songs, stage.uris[10_000:10_005], chance)
    reads, writes = cost(stage, swapped, what="10,000 tracks, 5 removed + 5 added, our snapshot standing")
    assert reads + writes <= 20


def stand(stage: Stage, uris: list[str]) -> None:
    """As if we had pushed these: to do it would take 300 calls."""
    database = stage.session.database
    playlist = stage.spotify.account.add_playlist("Mine", uris)
    records.write_mapping(database, "mine", playlist.id, "Mine", description=registry.ABOUT)
    entries = [PlaylistEntry(uri, "2026-01-01T00:00:00Z") for uri in uris]
    record_observation(
        database, "mine", playlist.id, entries, snapshot_id=playlist.snapshot_id, reason="test"
    )
