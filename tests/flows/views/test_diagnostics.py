"""The page *Diagnostics*: what is to be decided, with the command; a sentence where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from flows.views import diagnostics
from flows.views.diagnostics import (
    ApiField,
    Diagnostics,
    DoubtfulPair,
    Gap,
    IncompleteAlbum,
    OutdatedAlbum,
    UnavailableTrack,
)
from tests.flows.views.names import NASTY
from tests.flows.views.test_library import FRAME, GAP, SIGN_IN

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EMPTY = Diagnostics([], [], [], [], [], [], [])
PAIR = DoubtfulPair(
    *("track1", "Song", "A", "B", 1_234, "track2", "Song (Live)", "A", "C", 5, "another length"),
    is_merged=False,
    merge_command="tracker recordings merge track1 track2 --reason WHY",
    split_command="tracker recordings split track1 track2 --reason WHY",
)


def text_of(found: Diagnostics) -> str:
    return diagnostics.page(found, FRAME).text


def test_where_nothing_is_wrong_each_section_says_so() -> None:
    text = text_of(EMPTY)
    for told in (
        "No pair of tracks",
        "No saved album",
        "Every track of every",
        "No track of",
        "No gap",
        "Every field",
    ):
        assert told in text
    assert "|" not in text


def test_a_doubtful_pair_shows_the_command_that_would_change_it() -> None:
    text = text_of(replace(EMPTY, pairs=[PAIR]))
    assert "`tracker recordings merge track1 track2 --reason WHY`" in text
    assert "1,234" in text
    assert "counted as two" in text
    assert "`tracker recordings split" in text_of(replace(EMPTY, pairs=[replace(PAIR, is_merged=True)]))


def test_a_long_list_says_how_many_more_there_are() -> None:
    text = text_of(replace(EMPTY, pairs=[PAIR] * 1_033))
    assert "## One recording or two? (1,033)" in text
    assert "… and 1,013 more." in text


def test_every_kind_of_finding_has_its_figures() -> None:
    text = text_of(
        Diagnostics(
            checks=[SIGN_IN, GAP],
            pairs=[],
            outdated=[OutdatedAlbum("album1", "Old", "A", "replaced", "album2", "New", 3, 12)],
            incomplete=[IncompleteAlbum("album1", "Long", "A", 120, 50, 70)],
            unavailable=[UnavailableTrack("t1", "Gone", "A", "B", "market", AT, "t2", "Best of")],
            gaps=[Gap("full_page", AT, AT, 90)],
            fields=[ApiField("tracks", "popularity", AT, 2_000, 1.0)],
        )
    )
    assert "[New](https://open.spotify.com/album/album2) | 3 of 12 |" in text
    assert "| 120 | 50 | 70 |" in text
    assert "[Best of](https://open.spotify.com/track/t2)" in text
    assert "| 24 Nov 2026, 10:00 | 24 Nov 2026, 10:00 | 90 | full page |" in text
    assert "| `tracks` | `popularity` | 24 Nov 2026 | 2,000 |" in text
    assert "Something is wrong: Sign-in" in text


def test_nasty_names_make_no_further_column() -> None:
    pairs = [replace(PAIR, title=each, artist=each, album=each, other_title=each) for each in NASTY]
    rows = [line for line in text_of(replace(EMPTY, pairs=pairs)).splitlines() if "recordings merge" in line]
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}
