"""Fields that an answer lacks, and no others, are taken from an earlier answer."""

from __future__ import annotations

from typing import Any

import pytest

from extract.loading.filling import filled

TRACK: dict[str, Any] = {
    "id": "t1",
    "uri": "spotify:track:t1",
    "name": "Nothing Lonely",
    "artists": [{"id": "a1", "name": "Delta Glass"}, {"id": "a2", "name": "Opal"}],
    "album": {
        "id": "b1",
        "name": "Early",
        "release_date": "2019-03-01",
        "release_date_precision": "day",
        "images": [{"url": "https://image"}],
    },
    "external_ids": {"isrc": "XX0000000001"},
    "duration_ms": 200_000,
    "explicit": False,
}
LIKE = {"added_at": "2025-01-01T00:00:00Z", "track": TRACK}
ALBUM: dict[str, Any] = {
    "album": {
        "id": "b1",
        "name": "Early",
        "tracks": {"items": [{"id": "t1", "name": "One"}, {"id": "t2", "name": "Two"}], "total": 2},
    }
}


def like(**changes: Any) -> dict[str, Any]:
    return {"added_at": "2025-01-01T00:00:00Z", "track": {**TRACK, **changes}}


def album(items: list[Any], total: int = 2) -> dict[str, Any]:
    return {"album": {**ALBUM["album"], "tracks": {"items": items, "total": total}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "  "},
        {"name": None},
        {"artists": []},
        {"artists": None},
        {"artists": [{"id": "a1", "name": ""}, {"id": "a2", "name": "Opal"}]},
        {"artists": [{"id": None, "name": ""}, {"id": "a2", "name": "Opal"}]},
        {"artists": [None, {"id": "a2", "name": "Opal"}]},
        {"artists": [{"id": "a1", "name": ""}, {"id": "a2", "name": ""}]},
        {"artists": [{"id": "0000000000000000000000", "name": ""}]},
        {"album": None},
        {"album": {}},
        {"album": {"id": "b1", "name": ""}},
        {"album": {"id": "b2", "name": ""}},
        {"album": {**TRACK["album"], "release_date": "0000", "release_date_precision": "year"}},
        {"album": {**TRACK["album"], "images": []}},
        {"external_ids": {}},
        {"external_ids": None},
        {"duration_ms": 0},
        {"name": "", "artists": [], "album": None, "external_ids": None, "duration_ms": 0, "explicit": None},
    ],
    ids=str,
)
def test_what_was_emptied_is_filled(changes: dict[str, Any]) -> None:
    assert filled(like(**changes), LIKE) == LIKE


def test_missing_keys_are_filled() -> None:
    assert filled({"added_at": LIKE["added_at"], "track": {"id": "t1"}}, LIKE) == LIKE


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "Nothing Lonely (Live)"},
        {"artists": [{"id": "a3", "name": "Delta Glass and Friends"}]},
        {"album": {**TRACK["album"], "id": "b2", "name": "Late"}},
        {"explicit": True},
        {"popularity": 3},
    ],
    ids=str,
)
def test_an_answer_that_lacks_nothing_needs_no_filling(changes: dict[str, Any]) -> None:
    assert filled(like(**changes), LIKE) is None


def test_the_first_answer_cannot_be_filled() -> None:
    assert filled(like(name=""), None) is None


def test_content_of_several_answers_is_kept_together() -> None:
    stored = like(artists=[], external_ids={})
    for answer in (like(name="", external_ids={}), like(name="", artists=[]), like(name="", album=None)):
        stored = filled(answer, stored) or answer
    assert stored == LIKE


def test_fields_that_change_with_time_are_not_filled() -> None:
    """A track that can be played again has no restriction."""
    before = like(
        restrictions={"reason": "market"}, is_playable=False, popularity=30, available_markets=["GB"]
    )
    assert filled(LIKE, before) is None


def test_another_name_of_the_wrapper_hides_nothing() -> None:
    assert filled({"item": {**TRACK, "name": ""}}, LIKE) == {"item": TRACK}
    assert filled({"item": None}, LIKE) == {"item": TRACK}
    assert filled({"track": {**TRACK, "name": ""}, "item": {**TRACK, "name": ""}}, LIKE) == {
        "track": TRACK,
        "item": TRACK,
    }


@pytest.mark.parametrize(
    "items",
    [
        [],
        [None, {"id": "t2", "name": "Two"}],
        [{"id": "t1", "name": ""}, {"id": "t2", "name": "Two"}],
        [{"id": None, "name": ""}, {"id": "t2", "name": "Two"}],
        [{"id": "t1", "name": "One"}],
    ],
    ids=str,
)
def test_the_tracks_of_an_album_are_kept(items: list[Any]) -> None:
    assert filled(album(items), ALBUM) == ALBUM


def test_a_track_that_left_an_album_is_gone_from_it() -> None:
    assert filled(album([{"id": "t1", "name": "One"}], total=1), ALBUM) is None
    assert filled(album([{"id": "t1", "name": "One"}, {"id": "t3", "name": "Three"}]), ALBUM) is None


@pytest.mark.parametrize("oddity", ["text", 5, ["list"], [["list"]], {"id": 7}, {"id": []}, True])
def test_values_of_another_type_break_nothing(oddity: Any) -> None:
    for key in TRACK:
        filled(like(**{key: oddity}), LIKE)
        filled(LIKE, like(**{key: oddity}))
    for answer in ({"track": oddity}, {"album": oddity}, {"items": oddity, "total": 3}):
        filled(answer, LIKE)
        filled(LIKE, answer)
        filled(album([oddity, oddity]), album([oddity, {}, None], total=9))
