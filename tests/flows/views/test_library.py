"""The page *Library*: every figure is that of its row, with no play, one, a million, and with nasty names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flows.views import health, library
from flows.views.frame import Frame
from flows.views.health import Check
from flows.views.library import LatestPlay, Library, Period, Size
from flows.views.links import Spotify
from flows.views.markdown import NBSP
from flows.views.pages import Addresses
from tests.flows.views.names import NASTY

NOW = datetime(2026, 11, 25, 14, 40, tzinfo=UTC)
FRAME = Frame(
    addresses=Addresses({"library": "id-l", "playlists": "id-p", "listening": "id-li", "year-2026": "id-y"}),
    years=(2026,),
    now=NOW,
    zone=ZoneInfo("Europe/Berlin"),
    spotify=Spotify("https://open.spotify.com/"),
)
GOOD = Check("polls", "Polls", "ok", "the last one 3 minutes ago", None, None, NOW)
GAP = Check("gaps", "Gaps", "warn", "2 in 30 days", "`tracker import PATH`", NOW, NOW)
SIGN_IN = Check("sign_in", "Sign-in", "red", "refused by Spotify", "`tracker login`", NOW, NOW)
EMPTY = Library(checks=[], plays=[], periods=[], size=None, poll_seconds=600)
PLAY = LatestPlay(NOW, "abc123", "Song", "Artist", "Album", "https://i.scdn.co/image/x")
PERIOD = Period("30d", 1_234_567, 75.4, 1_000, 12, 29, 17, 0.123, 0.995, date(2026, 10, 26))


def text_of(found: Library) -> str:
    return library.page(found, FRAME).text


def cells(text: str, begins: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.replace(NBSP, " ").startswith(f"| {begins} |")]
    return [cell.strip().replace(NBSP, " ") for cell in line.strip("|").split(" | ")]


def test_before_anything_is_known_the_page_says_what_to_do() -> None:
    text = text_of(EMPTY)
    assert "run initial-sync" in text
    assert "No play is known yet" in text


def test_the_first_line_says_that_all_is_well_with_its_time() -> None:
    text = text_of(replace(EMPTY, checks=[GOOD, GOOD]))
    assert "**All is well: 2 checks, no finding.**" in text
    assert "As of 25 Nov 2026, 15:40." in text
    assert "more than 1 hour ago, nothing runs any more" in text


def test_what_is_wrong_stands_first_with_what_to_do() -> None:
    text = text_of(replace(EMPTY, checks=[SIGN_IN, GAP, GOOD]))
    told = "Something is wrong: Sign-in: refused by Spotify → `tracker login`; Gaps: 2 in 30 days"
    assert health.headline([SIGN_IN, GAP, GOOD]).startswith(told)
    assert text.index("Sign-in: refused") < text.index("## Latest plays")


def test_a_slow_poll_is_given_more_time_before_the_page_is_old() -> None:
    assert "more than 6 hours ago" in text_of(replace(EMPTY, poll_seconds=7200))


def test_every_figure_of_a_period_is_that_of_its_row() -> None:
    found = cells(text_of(replace(EMPTY, periods=[PERIOD])), "30 days")
    shown = ["30 days", "1,234,567", "1 h 15 min", "1,000", "12", "29", "17 days", "12 %", "> 99 %"]
    assert found == shown


def test_a_period_without_a_play_is_shown_as_nothing_and_unknown() -> None:
    nothing = Period("7d", 0, 0.0, 0, 0, 0, 0, None, None, None)
    found = cells(text_of(replace(EMPTY, periods=[nothing])), "7 days")
    assert found == ["7 days", "0", "0 min", "0", "0", "0", "0 days", "–", "–"]


def test_a_play_links_to_spotify_and_shows_its_cover_and_time() -> None:
    text = text_of(replace(EMPTY, plays=[PLAY]))
    assert "[Song](https://open.spotify.com/track/abc123)" in text
    assert 'src="https://i.scdn.co/image/x"' in text
    assert "25 Nov 2026, 15:40 |" in text


def test_nasty_names_make_no_further_row_or_column() -> None:
    plays = [replace(PLAY, title=each, artist=each, album=each, album_image_url=None) for each in NASTY]
    rows = [line for line in text_of(replace(EMPTY, plays=plays)).splitlines() if line.startswith("| <a")]
    assert len(rows) == len(NASTY)
    assert {row.replace("\\|", "").count("|") for row in rows} == {4}


def test_a_play_without_a_track_has_no_link() -> None:
    assert "| Song<br>Artist<br>Album |" in text_of(replace(EMPTY, plays=[replace(PLAY, track_id=None)]))


def test_the_size_of_the_library_is_told() -> None:
    text = text_of(replace(EMPTY, size=Size(1, 2_000)))
    assert "**1 liked track** and **2,000 saved albums**" in text


def test_the_page_links_to_the_others_and_not_to_those_that_are_not_there() -> None:
    first = text_of(EMPTY).splitlines()[0]
    assert (
        first
        == "**Library** · [Playlists](./id-p) · [Listening](./id-li) · Diagnostics · [Year 2026](./id-y)"
    )
