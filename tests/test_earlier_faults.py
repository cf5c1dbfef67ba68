"""Faults that an earlier tracker was known for. Each has tests that fail where it is made again.

They carry `@pytest.mark.fault(number)`, with the part where a fault has several. To run them all:
`make test ARGS="-m fault"`.
"""

from __future__ import annotations

import ast
from pathlib import Path

FAULTS: dict[int, str] = {
    1: "An error while playlists were listed deleted the playlist's mapping together with its rule.",
    2: "A playlist was emptied before it was filled again: a crash in between left it empty.",
    3: "A full sync of likes began by deleting them: a crash lost nearly all.",
    4: "Un-saving an album deleted the likes of its songs.",
    5: "With the last album un-saved, the night's SQL was broken every night: `in ()`.",
    6: "A song that stood twice in the exclusions playlist stopped the whole night.",
    7: "Of albums with more than fifty tracks only fifty were known.",
    8: "Counts alone were compared: one like removed and another added was never noticed.",
    9: "Un-likes were noticed on Sundays only.",
    10: "`Retry-After: 3600` was slept through in full, and server errors were retried without end.",
    11: "Only a hundred tracks a night became eligible, and any error made a track unplayable.",
    12: "Rules meant something else than they said, were broken by an apostrophe, and left playlists behind.",
    13: "Ties in the order rewrote every playlist each night.",
    14: "A playlist that the user emptied was never repaired.",
    15: "Two playlists of one name left an orphan.",
    16: "Ten days in a row were told as a streak of one, 16 plays as 21; a play counted for each edition.",
    17: "Times were shifted where the database was not in UTC, and New York was built in.",
    18: "More than fifty plays between two polls vanished without a word.",
    19: "Plays without a track id were stored again by every poll.",
    20: "Of two things saved or heard in one second one overwrote the other.",
    21: "Offline plays that arrived a day late were lost behind a cursor.",
    22: "Whoever called the callback was shown the refresh token; no `state`; secrets had defaults.",
}
PARTS: dict[int, set[str]] = {
    10: {"long waits", "endless errors"},
    11: {"budget", "errors"},
    12: {"operators", "is not", "is", "quotes", "values", "any", "empty group"},
    16: {"streaks", "counts", "editions"},
    17: {"database", "listener"},
    20: {"likes", "plays"},
    22: {"token", "state", "defaults"},
}


def marks() -> dict[tuple[int, str | None], list[str]]:
    """The tests that carry a mark, by number and part; read from the source, so that nothing has to run."""
    found: dict[tuple[int, str | None], list[str]] = {}
    for path in sorted(Path(__file__).parent.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                        number, part = ([ast.literal_eval(each) for each in mark.args] + [None])[:2]
                        found.setdefault((number, part), []).append(node.name)
    return found


def test_every_fault_in_all_its_parts_has_a_test() -> None:
    wanted = {(number, part) for number in FAULTS for part in PARTS.get(number, {None})}
    assert marks().keys() == wanted


def test_tests_of_faults_are_named_as_sentences() -> None:
    names = [name for tests in marks().values() for name in tests]
    assert [name for name in names if name.count("_") < 4] == []
