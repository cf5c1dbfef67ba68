from __future__ import annotations

import random
import sys
from bisect import bisect_left
from collections import Counter
from itertools import combinations, permutations
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlists.playlist_types import EditScript, Insert, Move, PlaylistEntry, Remove, Replace
from playlists.push.edit_script import apply_operation, edit_script, touched_positions
from tests.playlists.model_playlist import ModelPlaylist

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

NEVER = 10**9
"""A max_edit_calls that no plan exceeds, so that steps are judged alone."""


def entries(*uris: str | None) -> list[PlaylistEntry]:
    return [
        PlaylistEntry(uri, f"2024-01-{1 + index % 28:02d}T00:00:{index % 60:02d}Z")
        for index, uri in enumerate(uris)
    ]


def run(current: list[PlaylistEntry], wanted: list[str], script: EditScript) -> ModelPlaylist:
    playlist = ModelPlaylist.of(current, may_be_empty=not wanted)
    for operation in script.operations:
        playlist.call(operation)
    return playlist


def expected_order(current: list[PlaylistEntry], wanted: list[str]) -> list[str | None]:
    return [*dict.fromkeys(wanted), *(entry.uri for entry in current if not entry.is_removable)]


def bound(current: list[PlaylistEntry], wanted: list[str]) -> int:
    """Per 100 removed, per inserted run of 100, per block outside a longest increasing subsequence: one."""
    copies = Counter(entry.uri for entry in current if entry.is_removable)
    place = {uri: index for index, uri in enumerate(wanted)}
    gone = {uri for uri, count in copies.items() if count > 1 or uri not in place}
    stays = [entry for entry in current if not entry.is_removable or entry.uri not in gone]
    pinned = iter(range(len(wanted), len(wanted) + len(stays)))
    targets = [place[e.uri or ""] if e.is_removable else next(pinned) for e in stays]
    rank = {target: index for index, target in enumerate(sorted(targets))}
    order = [rank[target] for target in targets]
    starts = [target for index, target in enumerate(order) if not index or order[index - 1] != target - 1]
    tails: list[int] = []
    for start in starts:
        at = bisect_left(tails, start)
        tails[at : at + 1] = [start]
    missing = [uri in gone or uri not in copies for uri in wanted]
    inserts, run_length = 0, 0
    for is_missing in [*missing, False]:
        if is_missing:
            run_length += 1
        else:
            inserts += ceil(run_length / 100)
            run_length = 0
    return ceil(len(gone) / 100) + inserts + len(starts) - len(tails)


SMALL_URIS = [f"spotify:track:{letter}" for letter in "abcdefghij"]
CURRENT = st.lists(
    st.one_of(
        st.sampled_from(SMALL_URIS), st.sampled_from(["spotify:local:x:y:z:1", "spotify:episode:e", None])
    ),
    max_size=14,
)
WANTED = st.lists(st.sampled_from(SMALL_URIS), max_size=10, unique=True)


@settings(max_examples=1500, deadline=None)
@given(current=CURRENT, wanted=WANTED)
def test_any_list_becomes_the_wanted_order_with_kept_dates_within_the_bound(
    current: list[str | None], wanted: list[str]
) -> None:
    have = entries(*current)
    script = edit_script(have, wanted, max_edit_calls=NEVER)
    playlist = run(have, wanted, script)
    assert playlist.uris == expected_order(have, wanted)
    if not script.is_replace:
        assert playlist.calls <= bound(have, wanted)
        dates = {entry.uri: entry.added_at for entry in have}
        once = {uri for uri, count in Counter(current).items() if count == 1}
        for uri, date in playlist.entries:
            if uri in once:
                assert date == dates[uri]
    named = {entry.uri for entry in script.dates_lost}
    assert named == {
        uri
        for uri, date in playlist.entries
        if uri in current and uri is not None and (date or "").startswith("new-")
    }


@settings(max_examples=500, deadline=None)
@given(current=CURRENT, wanted=WANTED, max_edit_calls=st.integers(0, 6))
def test_a_replace_takes_nothing_irreplaceable_with_it(
    current: list[str | None], wanted: list[str], max_edit_calls: int
) -> None:
    have = entries(*current)
    script = edit_script(have, wanted, max_edit_calls=max_edit_calls)
    playlist = run(have, wanted, script)
    assert playlist.uris == expected_order(have, wanted)
    if script.is_replace:
        assert all(entry.is_removable for entry in have)


@settings(max_examples=500, deadline=None)
@given(current=CURRENT, wanted=WANTED)
def test_append_keeps_what_stands_there(current: list[str | None], wanted: list[str]) -> None:
    have = entries(*current)
    playlist = run(have, wanted or ["-"], edit_script(have, wanted, mode="append"))
    assert playlist.entries[: len(have)] == [(entry.uri, entry.added_at) for entry in have]
    assert playlist.uris[len(have) :] == [uri for uri in wanted if uri not in current]


@settings(max_examples=500, deadline=None)
@given(current=CURRENT, wanted=WANTED)
def test_our_own_picture_of_a_call_agrees_with_the_model(
    current: list[str | None], wanted: list[str]
) -> None:
    have = entries(*current)
    ours = list(have)
    playlist = ModelPlaylist.of(have, may_be_empty=not wanted)
    for operation in edit_script(have, wanted, max_edit_calls=3).operations:
        ours = apply_operation(ours, operation)
        playlist.call(operation)
        assert [entry.uri for entry in ours] == playlist.uris


@pytest.mark.parametrize("seed", range(40))
def test_long_lists_keep_within_the_bound(seed: int) -> None:
    chance = random.Random(seed)
    pool = [f"spotify:track:{number}" for number in range(900)]
    wanted = chance.sample(pool, chance.randrange(1, 600))
    current: list[str | None] = list(chance.sample(wanted, chance.randrange(0, len(wanted))))
    current += chance.sample(pool, chance.randrange(0, 200))
    if chance.random() < 0.5:
        current.sort(key=lambda uri: wanted.index(uri) if uri in wanted else 0)
        for _ in range(chance.randrange(6)):
            start, length = chance.randrange(len(current)), chance.randrange(1, 20)
            block = current[start : start + length]
            del current[start : start + length]
            place = chance.randrange(len(current) + 1)
            current[place:place] = block
    for _ in range(chance.randrange(4)):
        current.insert(chance.randrange(len(current) + 1), f"spotify:local:{chance.random()}")
    have = entries(*current)
    script = edit_script(have, wanted, max_edit_calls=NEVER)
    playlist = run(have, wanted, script)
    assert playlist.uris == expected_order(have, wanted)
    assert script.is_replace or playlist.calls <= bound(have, wanted)


def test_a_list_that_is_right_takes_no_call() -> None:
    assert edit_script(entries("a", "b", "c"), ["a", "b", "c"]).is_empty


def test_neighbours_move_as_one_block() -> None:
    script = edit_script(entries("a", "b", "c", "d", "e"), ["d", "e", "a", "b", "c"])
    assert script.operations == (Move(range_start=3, insert_before=0, range_length=2),)


def test_what_comes_on_both_sides_of_a_moved_block_comes_in_one_call() -> None:
    script = edit_script(entries("a", "b", "c", "x"), ["n1", "x", "n2", "a", "b", "c"])
    assert len(script.operations) == 2


def test_everything_replaced_is_inserted_before_it_is_removed() -> None:
    script = edit_script(entries("a", "b"), ["c", "d"])
    assert script.operations == (Insert(0, ("c", "d")), Remove(("a", "b")))


def test_a_doubled_song_is_removed_and_added_again_and_its_oldest_date_is_named() -> None:
    have = [
        PlaylistEntry("a", "2024-05-02"),
        PlaylistEntry("b", "2024-01-01"),
        PlaylistEntry("a", "2023-01-01"),
    ]
    script = edit_script(have, ["a", "b"])
    assert script.operations == (Remove(("a",)), Insert(0, ("a",)))
    assert script.dates_lost == (PlaylistEntry("a", "2023-01-01"),)
    assert (script.added, script.removed) == ((), ())


def test_a_list_of_one_doubled_song_is_never_empty_on_the_way() -> None:
    assert edit_script(entries("a", "a"), ["a"]).operations == (Replace(("a",)),)


def test_local_files_stay_at_the_end_and_forbid_a_replace() -> None:
    have = entries("spotify:local:1", *(f"t{number}" for number in range(60)), None)
    wanted = [f"t{number}" for number in reversed(range(60))]
    script = edit_script(have, wanted, max_edit_calls=5)
    assert not script.is_replace
    assert run(have, wanted, script).uris == [*wanted, "spotify:local:1", None]


def test_a_reversed_list_is_replaced_only_above_the_allowed_calls() -> None:
    have = entries(*(f"t{number}" for number in range(20)))
    wanted = [f"t{number}" for number in reversed(range(20))]
    assert not edit_script(have, wanted, max_edit_calls=25).is_replace
    script = edit_script(have, wanted, max_edit_calls=10)
    assert script.operations == (Replace(tuple(wanted)),)
    assert {entry.uri for entry in script.dates_lost} == set(wanted)


def test_a_replace_is_not_taken_where_it_costs_more() -> None:
    have = entries(*(f"t{number}" for number in range(5000)))
    wanted = [f"t{number}" for number in range(5000)]
    for number in range(0, 5000, 125):
        wanted[number] = f"n{number}"
    script = edit_script(have, wanted, max_edit_calls=25)
    assert len(script.operations) == 41
    assert not script.is_replace


def test_what_does_not_fit_is_left_out_and_named() -> None:
    have = entries(*(f"spotify:local:{number}" for number in range(3)))
    script = edit_script(have, [f"t{number}" for number in range(10_000)], max_edit_calls=NEVER)
    assert script.left_out == ("t9997", "t9998", "t9999")


def changed(kind: str, size: int) -> list[str | None]:
    """A list of that size after a change of that kind."""
    chance = random.Random(7)
    current: list[str | None] = [f"t{number}" for number in range(size)]
    if kind == "shuffled":
        chance.shuffle(current)
    elif kind == "reversed":
        current.reverse()
    elif kind == "edited":
        for place in chance.sample(range(size), 5):
            current[place] = f"old{place}"
    else:
        current = [uri if chance.random() < 0.5 else f"old{uri}" for uri in current]
    return current


KINDS = pytest.mark.parametrize("kind", ["shuffled", "reversed", "edited", "half new"])


@KINDS
def test_ten_thousand_entries_are_planned(kind: str) -> None:
    wanted = [f"t{number}" for number in range(10_000)]
    have = entries(*changed(kind, 10_000))
    script = edit_script(have, wanted, max_edit_calls=NEVER)
    assert run(have, wanted, script).uris == wanted


@KINDS
def test_ten_times_the_entries_take_little_more_than_ten_times_the_steps(kind: str) -> None:
    """Time is n log n, so they take 13 times the steps; a quadratic plan would take a hundred times."""
    assert lines_executed(kind, 10_000) < 20 * lines_executed(kind, 1_000)


def lines_executed(kind: str, size: int) -> int:
    """How many lines of Python a plan takes; unlike seconds, the same on a busy machine."""
    have, wanted = entries(*changed(kind, size)), [f"t{number}" for number in range(size)]
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        edit_script(have, wanted, max_edit_calls=NEVER)
    finally:
        sys.settrace(before)
    return count


def test_seams_are_the_only_positions_that_need_another_look() -> None:
    before = [f"t{number}" for number in range(1000)]
    after = [*before[:300], "new", *before[300:700], *before[701:]]
    assert touched_positions(before, after) == [299, 300, 301, 700, 701]
    assert touched_positions(before, before) == []
    assert touched_positions(before, before[:-1]) == [998]


def optimum(standing: tuple[int, ...], length: int) -> dict[tuple[int, ...], int]:
    """Fewest calls to range(length) from each order of each superset of `standing`, breadth first."""
    fresh = set(range(length)) - set(standing)
    goal = tuple(range(length))
    distance = {goal: 0}
    frontier = [goal]
    while frontier:
        following: list[tuple[int, ...]] = []
        for state in frontier:
            size = len(state)
            neighbours: list[tuple[int, ...]] = []
            for start, end in combinations(range(size + 1), 2):
                block, rest = state[start:end], state[:start] + state[end:]
                if fresh.issuperset(block):
                    neighbours.append(rest)
                neighbours += [rest[:at] + block + rest[at:] for at in range(start + 1, len(rest) + 1)]
            for neighbour in neighbours:
                if neighbour not in distance:
                    distance[neighbour] = distance[state] + 1
                    following.append(neighbour)
        frontier = following
    return distance


@pytest.mark.parametrize("length", [3, 4, 5, 6, 7])
def test_the_distance_to_the_cheapest_script_is_known(
    length: int, record_property: Callable[[str, object], None]
) -> None:
    """Every order of every subset up to six entries, and a fair share at seven; reported with `-rP`."""
    chance = random.Random(length)
    subsets = [subset for size in range(1, length + 1) for subset in combinations(range(length), size)]
    if length == 7:
        subsets = [tuple(range(7)), *chance.sample(subsets, 6)]
    beyond: Counter[int] = Counter()
    for subset in subsets:
        cheapest = optimum(subset, length)
        for order in permutations(subset):
            script = edit_script(
                entries(*(f"t{token}" for token in order)),
                [f"t{token}" for token in range(length)],
                max_edit_calls=NEVER,
            )
            beyond[len(script.operations) - cheapest[order]] += 1
    assert min(beyond) >= 0
    assert max(beyond) <= length // 2
    total = sum(beyond.values())
    shares = {calls: f"{count / total:.1%}" for calls, count in sorted(beyond.items())}
    record_property("calls beyond the optimum", str(shares))
    print(f"{length} entries, {total} cases, calls beyond the optimum: {shares}")
