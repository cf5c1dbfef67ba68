"""The pages *Listening* and of a year: figures are those of the rows, titles say what is seen."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from flows.views import charts, listening, year
from flows.views.year import Year
from tests.flows.views import listened
from tests.flows.views.names import NASTY
from tests.flows.views.test_library import FRAME, cells

if TYPE_CHECKING:
    from flows.views.listening_rows import Tops
    from flows.views.year import YearInReview


def drawings(text: str) -> list[str]:
    return [base64.b64decode(each).decode() for each in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_without_a_play_the_page_says_why_it_shows_nothing() -> None:
    text = listening.page(listened.NOTHING, FRAME).text
    assert "there is nothing to draw" in text
    assert "<img" not in text


@pytest.mark.parametrize("plays", [1, 1_234_567])
def test_every_figure_is_that_of_its_row(plays: int) -> None:
    text = plain(listening.page(listened.listening(plays), FRAME).text)
    assert cells(text, "30 days")[1] == f"{plays:,}"
    assert f"| 17 days | 1 Mar 2026 | 17 Mar 2026 | {plays:,} |" in text
    assert f"| {plays:,} | 1 h 30 min | 50 % |" in text
    assert f"| one of ours | {plays:,} | 50 % |" in text
    for title in ("Top of 30 days", "Top of 2026", "Top of all time"):
        assert title in text


def test_a_row_tells_how_it_stands_against_the_period_before() -> None:
    text = listening.page(listened.listening(5, "First", "Second"), FRAME).text
    assert "| 1 | ▲2 |" in text
    assert "| 2 | new |" in text


def test_titles_of_charts_say_what_is_seen() -> None:
    found = listened.listening(7)
    titles = [plain(spec["title"]["text"]) for spec in listening.drawings(found, 2026)]
    assert titles == [
        "Mostly evenings: 100 % after 18:00",
        "2026: plays on 351 of 365 days; 14 days not known (hatched)",
        "Most in January 2026: 7 plays, 24 min",
        "Song led in 11 of 11 months",
        "New in November 2026: 7 tracks, 25 % of the tracks heard",
    ]


def test_what_is_not_known_is_hatched_and_the_ground_is_that_of_the_page() -> None:
    for spec in (
        charts.calendar(listened.days_of(2026, 3, unknown=14), 2026),
        charts.months(listened.listening().months),
    ):
        assert spec is not None
        drawn = charts.svg(spec)
        assert charts.HATCHED in drawn
        assert 'id="not-known"' in drawn
        assert "background" not in drawn or "transparent" in str(spec["background"])
    whole = charts.calendar(listened.days_of(2026, 3), 2026)
    assert whole is not None
    assert charts.HATCHED not in charts.svg(whole)


def test_charts_of_nothing_are_not_drawn() -> None:
    assert listening.drawings(listened.NOTHING, 2026) == []
    assert charts.clock(listened.listening(0).hours) is None


def test_nasty_names_break_neither_tables_nor_charts() -> None:
    text = listening.page(listened.listening(3, *NASTY[:6]), FRAME).text
    for line in text.splitlines():
        if line.startswith("| 1 | ▲2"):
            assert line.replace("\\|", "").count("|") in (8, 9)
    assert all(drawn.rstrip().endswith("</svg>") and "<script" not in drawn for drawn in drawings(text))


def page_of(found: YearInReview, tops: Tops = listened.NOTHING.tops) -> str:
    return plain(year.page(Year(found, listened.days_of(2026, 2), tops), FRAME).text)


def test_a_year_tells_what_there_is_to_say_of_it() -> None:
    text = page_of(listened.review())
    assert "# 2026 in review" in text
    for told in (
        "8,803 plays on 303 days",
        "512 plays",
        "640 tracks",
        "103 days",
        "20:00 to 21:00",
        "mostly on Fridays",
    ):
        assert told in text
    assert "of the year is known" not in text


def test_of_a_year_that_is_little_known_the_page_says_so() -> None:
    assert "40 % of the year is known" in page_of(listened.review(completeness=0.4))


def test_a_year_without_names_leaves_out_what_is_not_known() -> None:
    text = page_of(
        listened.review(plays=0, name=None, new_recordings=None, most_played_day=None, favourite_hour=None)
    )
    for about in ("Artist of the year", "Heard for the first time", "The day with most music", "Your hour"):
        assert about not in text


def test_obsessions_and_what_was_forgotten_are_listed() -> None:
    loved = {"title": "A | b", "artist": "C", "play_count": 40, "month": "2026-03-01"}
    text = page_of(listened.review(obsessions=[loved], refound=[{**loved, "quiet_days": 400}]))
    assert "| A \\| b | C | 40 |" in text
    assert "| A \\| b | C | 400 |" in text


def test_every_nasty_name_can_be_the_year() -> None:
    for name in NASTY:
        tops = replace(listened.listening(3, name).tops)
        assert "# 2026 in review" in page_of(listened.review(name=name), tops)
