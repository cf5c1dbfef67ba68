"""The report: one file, whole without a network, with every figure of its rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flows.views import report
from flows.views.library import Library, Size
from flows.views.links import Spotify
from flows.views.report import Report
from tests.flows.views import listened
from tests.flows.views.names import NASTY
from tests.flows.views.test_library import GAP, GOOD

NOW = datetime(2026, 11, 25, 14, 40, tzinfo=UTC)
LIBRARY = Library(checks=[GOOD, GAP], plays=[], periods=[], size=Size(1, 2_000), poll_seconds=600)
TEN_YEARS = range(2017, 2027)


def html_of(found: Report) -> str:
    spotify = Spotify("https://open.spotify.com/")
    text = report.html(found, spotify=spotify, now=NOW, zone=ZoneInfo("UTC"), this_year=2026)
    return text.replace("\N{NO-BREAK SPACE}", " ")


def whole(*names: str) -> Report:
    days = [day for year in TEN_YEARS for day in listened.days_of(year, 27)]
    years = [listened.review(year, name=names[0] if names else "Song") for year in reversed(TEN_YEARS)]
    return Report(LIBRARY, listened.listening(1_234_567, *names), years, days)


def without_scripts(text: str) -> str:
    return re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)


def test_ten_years_are_one_file_under_five_megabytes() -> None:
    assert len(html_of(whole()).encode()) < 5_000_000


def test_it_asks_the_network_for_nothing_but_covers() -> None:
    text = html_of(whole())
    assert re.findall(r"<(?:link|iframe|object|embed|source)\b", text) == []
    assert re.findall(r"<script[^>]+src", text) == []
    assert re.findall(r"@import|url\((?!'?data:|#)", without_scripts(text)) == ["url("] * 0


def test_every_figure_of_a_row_is_shown() -> None:
    text = html_of(whole())
    assert "1,234,567</td>" in text
    assert "1 liked track and 2,000 saved albums in the library." in text
    assert "Worth a look: Gaps: 2 in 30 days" in text
    for told in ("8,803 plays on 303 days", "103 days", "20:00 to 21:00"):
        assert told in text
    assert text.count('class="tile"') == 11 * len(TEN_YEARS)


def test_names_stay_text() -> None:
    shown = without_scripts(html_of(whole(*NASTY)))
    for tag in ("<script", "<b>bold", "<img src=x", "alert(1)</"):
        assert tag not in shown
    assert "&lt;script&gt;" in shown


def test_without_a_play_it_says_why_it_is_empty() -> None:
    text = html_of(Report(LIBRARY, listened.NOTHING, [], []))
    assert "there is nothing to draw" in text
    assert 'name="period"' not in without_scripts(text)
