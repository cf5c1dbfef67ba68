"""Recordings that the user merges and splits, and takes back again; nothing is built from scratch for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from playlists.recordings import decide, forget
from tests.dbt.payloads import rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

JANUARY = "2026-01-01T10:00:00Z"


class Told(NamedTuple):
    """What the marts hold after a build."""

    plays: dict[str, tuple[int, int]]  # of the recording, of the track alone
    doubts: list[tuple[Any, ...]]
    most_played: set[str]
    stranger: tuple[Any, ...]  # where the row of a listen stands that has nothing to do with it


def built(warehouse: Warehouse) -> Told:
    """Build, and look."""
    warehouse.models("--select", "+duplicate_recordings", "+playlist_most_played")
    counts = rows(
        warehouse.database, "select track_id, play_count, track_play_count from analytics.unified_tracks"
    )
    doubts = rows(
        warehouse.database,
        "select track_id, other_track_id, doubt, is_merged, merge_command, play_count, other_play_count"
        " from analytics.duplicate_recordings order by 1",
    )
    most_played = rows(warehouse.database, "select track_id from analytics.playlist_most_played")
    [stranger] = rows(
        warehouse.database,
        "select xmin::text, ctid::text from intermediate.int_listens where track_id = 'stranger'",
    )
    return Told(
        {id_: tuple(rest) for id_, *rest in counts}, doubts, {id_ for (id_,) in most_played}, stranger
    )


@pytest.fixture(scope="module")
def before(warehouse: Warehouse) -> Told:
    """Two ISRCs of one name; two editions of one ISRC; and a stranger."""
    raw = warehouse.raw
    plays = {
        "album": (track("album", "Babies", isrc="GB01", album="His 'n' Hers"), 3),
        "single": (track("single", "Babies", isrc="GB02", album="Babies"), 1),
        "song": (track("song", "Disco 2000", isrc="GB03", album="Different Class"), 2),
        "edit": (track("edit", "Disco 2000", isrc="GB03", album="Hits"), 1),
        "stranger": (track("stranger", "Song 2", isrc="GB04", artist="Blur"), 1),
    }
    for hour, (thing, count) in enumerate(plays.values()):
        raw.like(thing, JANUARY)
        raw.play(thing, *(f"2026-05-{day:02}T{hour:02}:00:00Z" for day in range(1, count + 1)))
    return built(warehouse)


@pytest.fixture(scope="module")
def decided(warehouse: Warehouse, before: Told) -> Told:
    """Two are merged, two are split."""
    decide(warehouse.database, "merge", "album", "single", "the single is the album's recording")
    decide(warehouse.database, "split", "edit", "song", "shorter by a verse")
    return built(warehouse)


@pytest.fixture(scope="module")
def taken_back(warehouse: Warehouse, decided: Told) -> Told:
    """Both decisions are deleted, whichever track is named first."""
    assert forget(warehouse.database, "single", "album")
    assert forget(warehouse.database, "edit", "song")
    return built(warehouse)


def test_a_play_of_one_edition_shows_in_the_count_of_both(before: Told) -> None:
    assert before.plays["song"] == (3, 2)
    assert before.plays["edit"] == (3, 1)


def test_two_isrcs_of_one_name_are_two_recordings_and_doubtful(before: Told) -> None:
    assert before.plays["album"] == (3, 3)
    assert before.plays["single"] == (1, 1)
    command = 'tracker recordings merge album single --reason "…"'
    assert before.doubts == [("album", "single", "different_isrc", False, command, 3, 1)]


def test_a_merge_counts_the_plays_of_both_editions_once_for_both(decided: Told) -> None:
    assert decided.plays["album"] == (4, 3)
    assert decided.plays["single"] == (4, 1)


def test_merged_tracks_are_one_in_a_playlist_by_the_edition_played_most(before: Told, decided: Told) -> None:
    assert {"album", "single"} <= before.most_played
    assert {"album", "single"} & decided.most_played == {"album"}


def test_a_split_counts_each_for_itself(decided: Told) -> None:
    assert decided.plays["song"] == (2, 2)
    assert decided.plays["edit"] == (1, 1)


def test_a_decided_pair_is_not_doubtful_any_more(decided: Told) -> None:
    assert decided.doubts == []


def test_deleting_the_decisions_restores_what_was(before: Told, taken_back: Told) -> None:
    assert taken_back == before


def test_listens_of_other_recordings_are_not_written_again(before: Told, decided: Told) -> None:
    assert decided.stranger == before.stranger
