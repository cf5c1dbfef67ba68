"""The selection macros on candidates made by hand: who gets in, how it plays."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.payloads import execute, rows

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

Track = dict[str, Any]
COLUMNS = {
    "track_id": "text",
    "track_uri": "text",
    "recording_id": "text",
    "title": "text",
    "artist": "text",
    "artist_id": "text",
    "album_id": "text",
    "duration_ms": "integer",
    "is_liked": "boolean",
    "is_album_saved": "boolean",
    "is_playable": "boolean",
    "is_excluded": "boolean",
    "is_refused": "boolean",
    "track_play_count": "integer",
    "play_count": "integer",
    "added_at": "timestamptz",
}


def made(count: int, **values: Any) -> list[Track]:
    """Tracks t000, t001 …, each of its own artist and album; a value may be a function of the number."""
    tracks = []
    for number in range(count):
        id_ = f"t{number:03}"
        track: Track = {"track_id": id_, "track_uri": f"spotify:track:{id_}", "recording_id": f"r{id_}"}
        track |= {
            "artist_id": f"a{id_}",
            "album_id": f"b{id_}",
            "play_count": 100 - number,
            "duration_ms": 60_000,
        }
        track |= {key: value(number) if callable(value) else value for key, value in values.items()}
        tracks.append(track)
    return tracks


BY_PLAYS = {"title": "T", "select_by": ["play_count desc"]}
CASES: dict[str, tuple[dict[str, Any], list[Track]]] = {
    "per_artist": ({**BY_PLAYS, "per_artist": 2}, made(6, artist_id=lambda n: "ab"[n % 2])),
    "per_album": (
        {**BY_PLAYS, "per_album": 1, "per_artist": 2},
        made(6, artist_id="a", album_id=lambda n: "xxyyzz"[n]),
    ),
    "tracks": ({**BY_PLAYS, "limit": {"tracks": 3}}, made(6)),
    "minutes": ({**BY_PLAYS, "limit": {"minutes": 2.5}}, made(6)),
    "round_robin": ({**BY_PLAYS, "round_robin": "artist"}, made(6, artist_id=lambda n: "aaabbc"[n])),
    "select_then_order": ({**BY_PLAYS, "limit": {"tracks": 3}, "order_by": "play_count asc"}, made(6)),
    "editions_kept": ({**BY_PLAYS, "dedupe_recordings": False}, made(3, recording_id="same")),
    "editions": (BY_PLAYS, made(3, recording_id="same", is_liked=lambda n: n == 1)),
    "excluded_in": ({**BY_PLAYS, "include_excluded": True}, made(2, is_excluded=True)),
    "unavailable_in": ({**BY_PLAYS, "include_unavailable": True}, made(2, is_playable=False)),
    "local_files": (BY_PLAYS, made(2, track_uri=lambda n: ["spotify:track:t000", "spotify:local:x"][n])),
    "separated": ({**BY_PLAYS, "artist_separation": 2}, made(9, artist_id=lambda n: "aaabbbccc"[n])),
    "nulls_last": (
        {"title": "T", "select_by": "play_count desc"},
        made(3, play_count=lambda n: [None, 1, 2][n]),
    ),
    "nulls_first": (
        {"title": "T", "select_by": "play_count desc nulls first"},
        made(3, play_count=lambda n: [None, 1, 2][n]),
    ),
    "unnamed": ({"title": "T"}, made(3, added_at=lambda n: f"2026-01-0{n + 1} 00:00:00+00")),
    "shuffled": ({"title": "T", "order_by": "random"}, made(50)),
    "shuffled_again": ({"title": "T", "order_by": "random"}, list(reversed(made(50)))),
    "shuffled_otherwise": ({"title": "T", "order_by": "random", "seed": "fixed:1"}, made(50)),
    "this_week": ({"title": "T", "order_by": "random", "seed": "week"}, made(50)),
    "weighted": (
        {"title": "T", "order_by": "weighted(play_count)"},
        made(100, play_count=lambda n: 50 * (n < 50) + 1),
    ),
    "weightless": ({"title": "T", "order_by": "weighted(play_count)"}, made(4, play_count=lambda n: n % 2)),
    "refused": (
        {**BY_PLAYS, "include_unavailable": True, "include_excluded": True},
        made(3, is_refused=lambda n: n == 1),
    ),
    # the second is too long, so the third, which would fit, does not come in before its turn
    "minutes_in_turn": (
        {**BY_PLAYS, "limit": {"minutes": 3}},
        made(3, duration_ms=lambda n: [60_000, 150_000, 60_000][n]),
    ),
    "minutes_unknown": (
        {**BY_PLAYS, "limit": {"minutes": 3}},
        made(3, duration_ms=lambda n: [60_000, None, 60_000][n]),
    ),
    "doubled": ({**BY_PLAYS, "dedupe_recordings": False}, made(3) + made(2, play_count=1)),
    "weighted_for_good": (
        {"title": "T", "order_by": "weighted(play_count)"},
        list(reversed(made(100, play_count=lambda n: 50 * (n < 50) + 1))),
    ),
    "separated_turns": (
        {**BY_PLAYS, "round_robin": "artist", "artist_separation": 1},
        made(5, artist_id=lambda n: "aaabb"[n]),
    ),
    "text": ({"title": "T", "select_by": "title"}, made(4, title=lambda n: ["b", "B", "Ä", "a"][n])),
}
MONDAY, SUNDAY, NEXT = "2026-06-15T00:30:00+02:00", "2026-06-21T23:30:00+02:00", "2026-06-22T00:30:00+02:00"

SEPARATOR = "\n-- the next case\n"

Selected = dict[str, list[str]]


@pytest.fixture(scope="module")
def selected(warehouse: Warehouse) -> Selected:
    """The track ids that each case selects, in their order."""
    # any command makes the function
    code, output = warehouse.dbt("run", "--select", "stg_ops__playlists")
    assert code == 0, output
    declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    execute(warehouse.database, f"create table given (case_name text, {declared})")
    for name, (_, tracks) in CASES.items():
        execute(
            warehouse.database,
            "insert into given select %s, t.* from jsonb_to_recordset(%s) as t (" + declared + ")",
            [name, json.dumps(tracks)],
        )
    found = {name: _ids(warehouse, query) for name, query in _compiled(warehouse, list(CASES)).items()}
    for day in (MONDAY, SUNDAY, NEXT):
        compiled = _compiled(warehouse, ["this_week"], "--vars", json.dumps({"as_of": day}))
        found[day] = _ids(warehouse, compiled["this_week"])
    return found


def _compiled(warehouse: Warehouse, cases: list[str], *arguments: str) -> dict[str, str]:
    """The query of each case. dbt compiles all of them at once, because each start takes half a second."""
    text = SEPARATOR.join(_query(case, CASES[case][0]) for case in cases)
    [answer] = warehouse.ask(["compile", "--inline", text, *arguments])
    assert not answer.error, answer.error
    return dict(zip(cases, answer.compiled.split(SEPARATOR), strict=True))


def _ids(warehouse: Warehouse, query: str) -> list[str]:
    return [id_ for (id_,) in rows(warehouse.database, query)]


def _query(case: str, block: dict[str, Any]) -> str:
    return f"""
        with candidates as (select * from given where case_name = '{case}'),
        {{{{ select_tracks(fromjson('{json.dumps(block)}')) }}}}
        select track_id from selection order by position
    """


@pytest.mark.parametrize(
    ("case", "numbers"),
    [
        ("per_artist", [0, 1, 2, 3]),
        ("per_album", [0, 2]),
        ("tracks", [0, 1, 2]),
        ("minutes", [0, 1]),
        ("round_robin", [0, 3, 5, 1, 4, 2]),
        ("select_then_order", [2, 1, 0]),
        ("editions_kept", [0, 1, 2]),
        ("editions", [1]),
        ("excluded_in", [0, 1]),
        ("unavailable_in", [0, 1]),
        ("local_files", [0]),
        ("separated", [0, 3, 6, 1, 4, 7, 2, 5, 8]),
        ("nulls_last", [2, 1, 0]),
        ("nulls_first", [0, 2, 1]),
        ("unnamed", [2, 1, 0]),
        ("refused", [0, 2]),
        ("minutes_in_turn", [0]),
        ("minutes_unknown", [0, 2]),
        ("doubled", [0, 1, 2]),
        ("separated_turns", [0, 3, 1, 4, 2]),
        ("text", [1, 3, 0, 2]),
    ],
)
def test_a_clause_selects_and_orders_as_it_says(selected: Selected, case: str, numbers: list[int]) -> None:
    assert selected[case] == [f"t{number:03}" for number in numbers]


def test_a_shuffle_depends_on_its_seed_and_on_nothing_else(selected: Selected) -> None:
    assert selected["shuffled"] == selected["shuffled_again"]
    assert selected["shuffled"] != selected["shuffled_otherwise"]
    assert sorted(selected["shuffled"]) == sorted(selected["shuffled_otherwise"])
    assert selected["shuffled"] != sorted(selected["shuffled"])


def test_a_weeks_shuffle_holds_from_monday_to_sunday_of_the_local_week(selected: Selected) -> None:
    assert selected[MONDAY] == selected[SUNDAY] == selected["this_week"]
    assert selected[NEXT] != selected[SUNDAY]


def test_a_draw_by_weight_depends_on_its_seed_and_on_nothing_else(selected: Selected) -> None:
    assert selected["weighted"] == selected["weighted_for_good"]


def test_heavier_tracks_mostly_come_earlier(selected: Selected) -> None:
    first_half = Counter(id_ < "t050" for id_ in selected["weighted"][:50])
    assert first_half[True] >= 45


def test_tracks_without_a_weight_come_last(selected: Selected) -> None:
    assert set(selected["weightless"][:2]) == {"t001", "t003"}


def test_groups_stand_apart_wherever_they_can(warehouse: Warehouse, selected: Selected) -> None:
    chance = random.Random(7)
    cases = []
    for _ in range(400):
        drawn = [chance.randint(1, chance.choice([2, 3, 6])) for _ in range(chance.randint(0, 12))]
        numbers = sorted(set(drawn))
        cases.append(([1 + numbers.index(each) for each in drawn], chance.randint(0, 4)))
    found = rows(
        warehouse.database,
        "select analytics.places_apart(array(select jsonb_array_elements_text(g)::int), d::int)"
        " from jsonb_to_recordset(%s) as c (n int, g jsonb, d int) order by n",
        [json.dumps([{"n": n, "g": groups, "d": distance} for n, (groups, distance) in enumerate(cases)])],
    )
    for (groups, distance), (order,) in zip(cases, found, strict=True):
        assert sorted(order) == list(range(1, len(groups) + 1))
        placed = [groups[number - 1] for number in order]
        if _can_stand_apart(groups, distance):
            assert _stands_apart(placed, distance), (groups, distance, placed)
        if _stands_apart(groups, distance):
            assert placed == groups


def _can_stand_apart(groups: list[int], distance: int) -> bool:
    """By counting: the largest groups, at their distance, fill no more places than there are."""
    counts = Counter(groups).values()
    most = max(counts, default=0)
    return (most - 1) * (distance + 1) + sum(count == most for count in counts) <= len(groups)


def _stands_apart(groups: list[int], distance: int) -> bool:
    return all(groups[i] not in groups[i + 1 : i + 1 + distance] for i in range(len(groups)))


def test_ten_thousand_tracks_stand_apart_as_far_as_they_can(warehouse: Warehouse, selected: Selected) -> None:
    many_artists = [1 + n * n // 7 % 900 for n in range(1, 10_001)]
    two_artists = [1 + n // 5001 for n in range(1, 10_001)]
    one_of_many = [max(n - 2000, 1) for n in range(1, 10_001)]
    taken_in_turns = [
        number for pair in zip(range(5000), range(5000, 10_000), strict=True) for number in pair
    ]
    for groups, distance in [(many_artists, 4), (two_artists, 4), (one_of_many, 4), (many_artists, 10_000)]:
        [(order,)] = rows(
            warehouse.database, "select analytics.places_apart(cast(%s as integer[]), %s)", [groups, distance]
        )
        assert sorted(order) == list(range(1, 10_001))
        placed = [groups[number - 1] for number in order]
        if _can_stand_apart(groups, distance):
            assert _stands_apart(placed, distance)
        if groups is two_artists:
            assert placed == [groups[number] for number in taken_in_turns]


def test_mixed_playlists_take_turns(warehouse: Warehouse, selected: Selected) -> None:
    order = ["interleave_turn", "interleave_source", "interleave_place"]
    mixed = f"""
        with {{{{ interleave(['never_played', 'most_played'], per_turn=[2, 1]) }}}},
        {{{{ select_tracks({{'title': 'T', 'select_by': {order}}}) }}}}
        select track_id from selection order by position
    """
    [answer] = warehouse.ask(["compile", "--inline", mixed])
    assert not answer.error
    tracks = made(6) + [{**track, "track_id": "p" + track["track_id"]} for track in made(2)]
    stand_ins = {
        "unified_tracks": "select * from mixed_tracks",
        "playlist_never_played": "select track_id, n as position from mixed_tracks where n <= 6",
        # its first stands in the other as well, at an earlier turn
        "playlist_most_played": "select track_id, n - 5 as position from mixed_tracks where n >= 6",
    }
    declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    execute(warehouse.database, f"create table mixed_tracks (n integer, {declared})")
    execute(
        warehouse.database,
        "insert into mixed_tracks select * from jsonb_to_recordset(%s) as t (n integer, " + declared + ")",
        [
            json.dumps(
                [{**track, "recording_id": track["track_id"], "n": n} for n, track in enumerate(tracks, 1)]
            )
        ],
    )
    execute(warehouse.database, "create schema if not exists analytics")
    for name, query in stand_ins.items():
        execute(warehouse.database, f"create view analytics.{name} as {query}")
    found = [id_ for (id_,) in rows(warehouse.database, answer.compiled)]
    assert found == ["t000", "t001", "t005", "t002", "t003", "pt000", "t004", "pt001"]
