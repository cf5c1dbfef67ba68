"""Which stored track a listed one stands for, and which stay unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from extract.availability.pages import choose_pages
from extract.availability.pairing import (
    Availability,
    ShownTrack,
    availability_of,
    pair_album,
    pair_by_id,
    pair_relinked,
)

NOW = datetime(2026, 11, 22, 7, 7, tzinfo=UTC)


def track(
    id_: str | None, isrc: str | None = None, name: str | None = None, ms: int | None = 200_000
) -> ShownTrack:
    return ShownTrack(id_, isrc, name, ms)


def ids(pairs: dict[str, ShownTrack]) -> dict[str, str | None]:
    return {stored: listed.id for stored, listed in pairs.items()}


def relinked(
    stored: list[ShownTrack], listed: list[ShownTrack], *, is_alone: bool = False
) -> dict[str, str | None]:
    return ids(pair_relinked(stored, listed, is_alone=is_alone))


def test_a_track_that_kept_its_id_is_paired_by_it() -> None:
    assert ids(pair_by_id(["a", "b"], [track("b"), track("x"), track("a")])) == {"b": "b", "a": "a"}


def test_a_substitute_that_names_the_track_it_replaces_is_paired_by_that_name() -> None:
    substitute = ShownTrack.of({"id": "b", "linked_from": {"id": "a"}})
    assert ids(pair_by_id(["a", "b"], [substitute, ShownTrack.of({"id": "b"})])) == {"a": "b", "b": "b"}
    assert pair_by_id(["a", "b"], [substitute])["a"].original_id == "a"


def test_a_substitute_is_found_by_its_isrc() -> None:
    stored = [track("a", "GB1", "one"), track("b", "GB2", "two")]
    assert relinked(stored, [track("y", "GB2", "two (deluxe)"), track("x", "GB1")]) == {"a": "x", "b": "y"}


def test_without_an_isrc_name_and_duration_together_pair_a_substitute() -> None:
    stored = [track("a", name="intro", ms=60_000), track("b", name="intro", ms=90_000)]
    listed = [track("y", name="intro", ms=90_900), track("x", name="intro", ms=60_000)]
    assert relinked(stored, listed) == {"a": "x", "b": "y"}


def test_two_tracks_with_the_same_isrc_name_and_duration_are_not_paired() -> None:
    stored = [track("a", "GB1", "intro"), track("b", "GB1", "intro")]
    listed = [track("x", "GB1", "intro"), track("y", "GB1", "intro")]
    assert relinked(stored, listed) == {}


def test_an_entry_that_is_alone_at_its_time_is_paired_by_the_time() -> None:
    assert relinked([track("a", "GB1", "one")], [track("x", "US9", "other")], is_alone=True) == {"a": "x"}


def test_an_entry_left_over_among_several_of_one_time_is_not_paired() -> None:
    stored = [track("a", "GB1", "one"), track("b", "GB2", "two")]
    assert relinked(stored, [track("x", "GB1", "one"), track("y", "US9", "other")]) == {"a": "x"}


def test_an_album_track_is_paired_by_its_position_where_the_substitute_has_another_number() -> None:
    stored = [ShownTrack(id_, place=(1, n)) for n, id_ in enumerate("abc", start=1)]
    listed = [ShownTrack("a", place=(1, 1)), ShownTrack("x", place=(1, 3)), ShownTrack("c", place=(1, 3))]
    assert ids(pair_album(stored, listed)) == {"a": "a", "b": "x", "c": "c"}


def test_tracks_of_an_album_of_another_length_are_paired_by_disc_and_track_number() -> None:
    stored = [ShownTrack(id_, place=(1, n)) for n, id_ in enumerate("abc", start=1)]
    assert ids(pair_album(stored, [ShownTrack("a", place=(1, 1)), ShownTrack("x", place=(1, 3))])) == {
        "a": "a",
        "c": "x",
    }


def availability(**shown: Any) -> Availability | None:
    return availability_of(ShownTrack.of({"id": "a", **shown}), "a")


def test_a_missing_is_playable_is_no_answer() -> None:
    assert availability() is None
    assert availability(is_playable=None) is None
    assert availability(is_playable="false") is None


def test_a_reason_that_nobody_knows_yet_is_kept() -> None:
    restrictions = {"restrictions": {"reason": "a_new_one"}}
    assert availability(is_playable=False, **restrictions) == Availability(
        is_playable=False, reason="a_new_one"
    )


def test_a_reason_alone_means_that_it_cannot_be_played() -> None:
    assert availability(restrictions={"reason": "market"}) == Availability(is_playable=False, reason="market")
    assert availability(restrictions={}) is None


def test_a_track_object_of_any_shape_can_be_read() -> None:
    shapes: list[Any] = [None, [], {}, {"id": 7, "external_ids": [], "duration_ms": "x", "name": None}]
    for odd in shapes:
        assert ShownTrack.of(odd).id is None


# -- which pages


def test_a_seventh_of_the_pages_is_due_each_night() -> None:
    assert choose_pages(40, {}, set(), NOW) == [0, 1, 2, 3, 4, 5]
    assert choose_pages(2, {}, set(), NOW) == [0]
    assert choose_pages(0, {}, set(), NOW) == []


def test_seven_nights_ask_for_every_page() -> None:
    asked: dict[int, datetime] = {}
    for night in range(7):
        now = NOW + timedelta(days=night)
        asked |= dict.fromkeys(choose_pages(203, asked, set(), now), now)
    assert sorted(asked) == list(range(203))


def test_pages_that_were_asked_for_longest_ago_come_first() -> None:
    asked = {page: NOW - timedelta(days=9 - page) for page in range(7)}
    assert choose_pages(7, asked, set(), NOW) == [0]
    assert choose_pages(8, asked, set(), NOW) == [7, 0]


def test_pages_with_new_entries_come_before_all_others() -> None:
    asked = {page: NOW - timedelta(days=2) for page in range(14)}
    assert choose_pages(14, asked, {5}, NOW) == [5, 0]


def test_a_second_run_of_one_night_only_finishes_the_first() -> None:
    an_hour_ago = NOW - timedelta(hours=1)
    assert choose_pages(14, {0: an_hour_ago}, set(), NOW) == [1]
    assert choose_pages(14, {0: an_hour_ago, 1: an_hour_ago}, set(), NOW) == []
