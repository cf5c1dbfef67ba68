"""Change detection against a model of the library: it finds exactly what was edited."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest

from extract.library.changes import (
    Changes,
    FetchPage,
    LibraryEntry,
    ListedPage,
    Unproven,
    detect_changes,
)
from extract.loading.whole_view import PAGE_SIZE

START = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Library:
    """A model of the liked songs: one entry per id, newest first, entries of one time in any order."""

    chance: random.Random
    entries: dict[str, datetime] = field(default_factory=dict)
    now: datetime = START
    names: int = 0
    pages_read: int = 0

    def like(self, count: int = 1, *, together: bool = False) -> None:
        for _ in range(count):
            if not together:
                self.now += timedelta(seconds=self.chance.choice([0, 1, 1, 30, 4000]))
            self.names += 1
            self.entries[f"track{self.names:06}"] = self.now

    def unlike(self, count: int = 1) -> list[str]:
        gone = self.chance.sample(sorted(self.entries), min(count, len(self.entries)))
        for id_ in gone:
            del self.entries[id_]
        return gone

    def unlike_run(self, count: int) -> None:
        listed = self.listed()
        if listed:
            start = self.chance.randrange(len(listed))
            for entry in listed[start : start + count]:
                del self.entries[entry.id]

    def like_again(self, count: int = 1) -> None:
        for id_ in self.unlike(count):
            self.now += timedelta(seconds=self.chance.choice([0, 1, 60]))
            self.entries[id_] = self.now

    def edit(self) -> None:
        some = self.chance.choice([1, 1, 1, 2, 3, 20, 120])
        match self.chance.randrange(5):
            case 0:
                self.like(some)
            case 1:
                self.like(some, together=True)
            case 2:
                self.unlike(some)
            case 3:
                self.unlike_run(some)
            case _:
                self.like_again(min(some, 5))

    def listed(self) -> list[LibraryEntry]:
        order = {id_: (moment, hash((id_, 7))) for id_, moment in self.entries.items()}
        return [
            LibraryEntry(self.entries[id_], id_) for id_ in sorted(order, key=order.__getitem__, reverse=True)
        ]

    def known(self) -> frozenset[LibraryEntry]:
        return frozenset(LibraryEntry(moment, id_) for id_, moment in self.entries.items())


def reader(listed: list[LibraryEntry], reads: list[int]) -> FetchPage:
    def fetch_page(offset: int) -> ListedPage:
        assert offset % PAGE_SIZE == 0
        reads.append(offset)
        return ListedPage(listed[offset : offset + PAGE_SIZE], len(listed))

    return fetch_page


def detect(listed: list[LibraryEntry], known: frozenset[LibraryEntry]) -> tuple[Changes, list[int]]:
    reads: list[int] = []
    return detect_changes(reader(listed, reads), known), reads


def a_library(size: int, seed: int = 1) -> Library:
    library = Library(random.Random(seed))
    while len(library.entries) < size:
        missing = size - len(library.entries)
        library.like(min(missing, library.chance.choice([1, 5, 40])), together=library.chance.random() < 0.1)
    library.now += timedelta(days=1)
    return library


def spread_library(size: int) -> Library:
    """Return a library in which all times differ."""
    library = Library(random.Random(5))
    for _ in range(size):
        library.now += timedelta(seconds=90)
        library.like(together=True)
    library.now += timedelta(days=1)
    return library


@pytest.mark.parametrize("batch", range(20))
def test_whatever_was_edited_the_result_equals_the_truth_and_never_costs_more_than_reading_all(
    batch: int,
) -> None:
    for seed in range(batch * 30, batch * 30 + 30):
        chance = random.Random(seed)
        size = chance.choice([0, 1, 2, 49, 50, 51, 99, 100, 101, 150, 500, 1000, 2000])
        if seed % 30 == 0:
            size = chance.choice([5000, 10_000])
        library = a_library(size, seed)
        for _ in range(chance.choice([1, 1, 2, 3])):
            before = library.known()
            for _ in range(chance.choice([0, 1, 1, 2, 5])):
                library.edit()
            listed = library.listed()
            found, reads = detect(listed, before)
            assert frozenset(found.new) == library.known() - before, seed
            assert found.gone == before - library.known(), seed
            assert found.total == len(listed)
            assert found.pages_read == len(reads) == len(set(reads))
            assert len(reads) <= max(1, ceil(len(listed) / PAGE_SIZE)), seed


def test_nothing_changed_costs_one_page_at_ten_thousand_likes() -> None:
    library = spread_library(10_000)
    found, reads = detect(library.listed(), library.known())
    assert not found.new
    assert not found.gone
    assert reads == [0]


@pytest.mark.parametrize("position", [0, 1, 49, 50, 51, 99, 100, 4999, 5000, 7777, 9949, 9950, 9998, 9999])
def test_one_removed_like_is_found_in_nine_pages_wherever_it_stood(position: int) -> None:
    library = spread_library(10_000)
    before = library.known()
    gone = library.listed()[position]
    del library.entries[gone.id]
    found, reads = detect(library.listed(), before)
    assert found.gone == {gone}
    assert len(reads) <= 9


@pytest.mark.fault(8)
def test_one_added_and_one_removed_at_equal_totals_are_both_noticed() -> None:
    library = spread_library(10_000)
    before = library.known()
    (gone,) = library.unlike()
    library.like()
    found, reads = detect(library.listed(), before)
    assert {entry.id for entry in found.gone} == {gone}
    assert len(found.new) == 1
    assert len(reads) <= 9


def test_twenty_scattered_removals_cost_about_half_of_reading_everything() -> None:
    library = spread_library(10_000)
    before = library.known()
    gone = library.unlike(20)
    found, reads = detect(library.listed(), before)
    assert {entry.id for entry in found.gone} == set(gone)
    assert len(reads) <= 110


def test_a_like_taken_back_and_given_again_is_a_new_entry_and_a_removed_one_on_one_page() -> None:
    library = spread_library(3000)
    before = library.known()
    library.like_again()
    found, reads = detect(library.listed(), before)
    assert {entry.id for entry in found.new} == {entry.id for entry in found.gone}
    assert found.new[0] not in found.gone
    assert reads == [0]


def test_a_thousand_likes_of_one_second_hide_no_removal_among_them() -> None:
    library = spread_library(500)
    library.like(1000, together=True)
    library.now += timedelta(days=1)
    for _ in range(500):
        library.now += timedelta(seconds=90)
        library.like(together=True)
    before = library.known()
    del library.entries["track000900"]
    found, _ = detect(library.listed(), before)
    assert {entry.id for entry in found.gone} == {"track000900"}


@pytest.mark.fault(20, "likes")
def test_two_likes_of_the_same_second_are_two_entries() -> None:
    library = a_library(120)
    before = library.known()
    library.like(2, together=True)
    found, _ = detect(library.listed(), before)
    assert len({entry.id for entry in found.new}) == 2


def test_one_empty_page_proves_that_all_likes_were_removed() -> None:
    library = a_library(700)
    found, reads = detect([], library.known())
    assert found.gone == library.known()
    assert reads == [0]


def test_a_list_in_another_order_proves_nothing() -> None:
    library = spread_library(400)
    listed = library.listed()
    random.Random(3).shuffle(listed)
    with pytest.raises(Unproven, match="order"):
        detect(listed, library.known())


def test_an_old_date_that_appears_below_the_top_proves_nothing() -> None:
    library = spread_library(1000)
    before = library.known()
    library.entries["stranger"] = START + timedelta(seconds=90 * 500 + 7)
    with pytest.raises(Unproven):
        detect(library.listed(), before)


def test_entries_that_were_never_seen_do_not_count_as_an_unchanged_library() -> None:
    library = spread_library(300)
    before = frozenset(sorted(library.known())[:-5] + sorted(library.known())[-4:])
    with pytest.raises(Unproven):
        detect(library.listed(), before)


def test_a_total_that_changes_while_paging_proves_nothing() -> None:
    library = spread_library(1000)
    before = library.known()
    library.unlike(1)
    listed = library.listed()

    def fetch_page(offset: int) -> ListedPage:
        return ListedPage(listed[offset : offset + PAGE_SIZE], len(listed) + (offset > 0))

    with pytest.raises(Unproven, match="total moved"):
        detect_changes(fetch_page, before)


def test_a_list_that_shifts_while_paging_proves_nothing() -> None:
    library = spread_library(150)
    before = library.known()
    library.unlike(3)
    listed = library.listed()
    shifted = [listed[0], *listed[:-1]]

    def fetch_page(offset: int) -> ListedPage:
        return ListedPage((shifted if offset else listed)[offset : offset + PAGE_SIZE], len(listed))

    with pytest.raises(Unproven):
        detect_changes(fetch_page, before)


def test_a_short_page_proves_nothing() -> None:
    library = spread_library(150)
    listed = library.listed()
    with pytest.raises(Unproven, match="holds 40 entries"):
        detect_changes(lambda _: ListedPage(listed[:40], 150), library.known())
