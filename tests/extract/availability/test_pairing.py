"""Which stored track a listed one stands for, and which stay unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from extract.availability.pages import choose_pages
from extract.availability.pairing import Answer, Seen, answer_of, pair_album, pair_by_id, pair_relinked

NOW = datetime(2026, 11, 22, 7, 7, tzinfo=UTC)


def seen(id_: str | None, isrc: str | None = None, name: str | None = None, ms: int | None = 200_000) -> Seen:
    return Seen(id_, isrc, name, ms)


def ids(pairs: dict[str, Seen]) -> dict[str, str | None]:
    return {stored: listed.id for stored, listed in pairs.items()}


def relinked(stored: list[Seen], listed: list[Seen], *, is_alone: bool = False) -> dict[str, str | None]:
    return ids(pair_relinked(stored, listed, is_alone=is_alone))


def test_what_kept_its_id_pairs_by_it() -> None:
    assert ids(pair_by_id(["a", "b"], [seen("b"), seen("x"), seen("a")])) == {"b": "b", "a": "a"}


def test_a_substitute_that_names_the_original_pairs_by_it() -> None:
    substitute = Seen.of({"id": "b", "linked_from": {"id": "a"}})
    assert ids(pair_by_id(["a", "b"], [substitute, Seen.of({"id": "b"})])) == {"a": "b", "b": "b"}
    assert pair_by_id(["a", "b"], [substitute])["a"].original_id == "a"


def test_a_substitute_is_found_by_its_isrc() -> None:
    stored = [seen("a", "GB1", "one"), seen("b", "GB2", "two")]
    assert relinked(stored, [seen("y", "GB2", "two (deluxe)"), seen("x", "GB1")]) == {"a": "x", "b": "y"}


def test_without_isrc_name_together_with_duration_tells() -> None:
    stored = [seen("a", name="intro", ms=60_000), seen("b", name="intro", ms=90_000)]
    listed = [seen("y", name="intro", ms=90_900), seen("x", name="intro", ms=60_000)]
    assert relinked(stored, listed) == {"a": "x", "b": "y"}


def test_two_that_share_every_mark_stay_unknown() -> None:
    stored = [seen("a", "GB1", "intro"), seen("b", "GB1", "intro")]
    listed = [seen("x", "GB1", "intro"), seen("y", "GB1", "intro")]
    assert relinked(stored, listed) == {}


def test_a_lone_entry_of_its_moment_is_known_by_the_moment() -> None:
    assert relinked([seen("a", "GB1", "one")], [seen("x", "US9", "other")], is_alone=True) == {"a": "x"}


def test_one_that_is_left_over_among_several_of_a_moment_stays_unknown() -> None:
    stored = [seen("a", "GB1", "one"), seen("b", "GB2", "two")]
    assert relinked(stored, [seen("x", "GB1", "one"), seen("y", "US9", "other")]) == {"a": "x"}


def test_an_album_track_is_known_by_its_place_though_the_substitute_has_another_number() -> None:
    stored = [Seen(id_, place=(1, n)) for n, id_ in enumerate("abc", start=1)]
    listed = [Seen("a", place=(1, 1)), Seen("x", place=(1, 3)), Seen("c", place=(1, 3))]
    assert ids(pair_album(stored, listed)) == {"a": "a", "b": "x", "c": "c"}


def test_an_album_of_another_length_pairs_by_disc_with_track_number_alone() -> None:
    stored = [Seen(id_, place=(1, n)) for n, id_ in enumerate("abc", start=1)]
    assert ids(pair_album(stored, [Seen("a", place=(1, 1)), Seen("x", place=(1, 3))])) == {"a": "a", "c": "x"}


def answer(**shown: Any) -> Answer | None:
    return answer_of(Seen.of({"id": "a", **shown}), "a")


def test_a_missing_is_playable_is_no_answer() -> None:
    assert answer() is None
    assert answer(is_playable=None) is None
    assert answer(is_playable="false") is None


def test_the_reason_is_kept_whatever_it_says() -> None:
    restrictions = {"restrictions": {"reason": "a_new_one"}}
    assert answer(is_playable=False, **restrictions) == Answer(is_playable=False, reason="a_new_one")


def test_a_reason_alone_means_that_it_cannot_be_played() -> None:
    assert answer(restrictions={"reason": "market"}) == Answer(is_playable=False, reason="market")
    assert answer(restrictions={}) is None


def test_a_track_object_of_any_shape_can_be_read() -> None:
    shapes: list[Any] = [None, [], {}, {"id": 7, "external_ids": [], "duration_ms": "x", "name": None}]
    for odd in shapes:
        assert Seen.of(odd).id is None


# -- which pages


def test_a_seventh_of_the_pages_is_due_each_night() -> None:
    assert choose_pages(40, {}, set(), NOW) == [0, 1, 2, 3, 4, 5]
    assert choose_pages(2, {}, set(), NOW) == [0]
    assert choose_pages(0, {}, set(), NOW) == []


def test_seven_nights_see_every_page() -> None:
    asked: dict[int, datetime] = {}
    for night in range(7):
        now = NOW + timedelta(days=night)
        asked |= dict.fromkeys(choose_pages(203, asked, set(), now), now)
    assert sorted(asked) == list(range(203))


def test_the_pages_that_waited_longest_come_first() -> None:
    asked = {page: NOW - timedelta(days=9 - page) for page in range(7)}
    assert choose_pages(7, asked, set(), NOW) == [0]
    assert choose_pages(8, asked, set(), NOW) == [7, 0]


def test_pages_with_new_entries_come_before_them() -> None:
    asked = {page: NOW - timedelta(days=2) for page in range(14)}
    assert choose_pages(14, asked, {5}, NOW) == [5, 0]


def test_a_second_run_of_one_night_only_finishes_the_first() -> None:
    an_hour_ago = NOW - timedelta(hours=1)
    assert choose_pages(14, {0: an_hour_ago}, set(), NOW) == [1]
    assert choose_pages(14, {0: an_hour_ago, 1: an_hour_ago}, set(), NOW) == []
