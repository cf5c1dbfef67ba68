"""Pieces of Markdown: what a name holds never becomes form, and figures read well."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from markdown_it import MarkdownIt

from flows.views import markdown
from tests.flows.views.names import NASTY

AS_THE_UI_DOES = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def plain(rendered: str) -> str:
    """Text of a rendered paragraph."""
    import html

    return html.unescape(rendered)


@pytest.mark.parametrize("text", NASTY)
def test_a_name_stays_text_in_a_cell_of_a_table(text: str) -> None:
    lines = markdown.table(("track", "plays:"), [(markdown.name(text), "7")])
    rendered = AS_THE_UI_DOES.render("\n".join(lines))
    assert rendered.count("<tr>") == 2
    assert rendered.count("<td") == 2
    for tag in ("<b>", "<script", "<em>", "<strong>", "<code>", "<img", "<a ", "<s>", "<h1>", "<li>"):
        assert tag not in rendered
    shown = " ".join(text.split())[:60] or markdown.NO_NAME
    assert shown in plain(rendered)


def test_a_name_of_two_hundred_characters_is_shortened_and_says_so() -> None:
    shown = markdown.name("x" * 200)
    assert len(shown) == markdown.LONGEST_NAME
    assert shown.endswith("…")


def test_a_name_from_right_to_left_does_not_turn_the_rest_of_its_line() -> None:
    for text in (
        "שיר",
        "\N{RIGHT-TO-LEFT OVERRIDE}evil",
        "a\N{POP DIRECTIONAL ISOLATE}\N{RIGHT-TO-LEFT OVERRIDE}b",
    ):
        shown = markdown.name(text)
        assert shown[0] == markdown.ISOLATE
        assert shown[-1] == markdown.END_OF_ISOLATE
        assert markdown.END_OF_ISOLATE not in shown[1:-1]


@pytest.mark.parametrize("text", NASTY)
def test_a_drawn_tile_is_an_image_whatever_the_title(text: str) -> None:
    shown = markdown.cover(None, text)
    drawn = base64.b64decode(shown.split("base64,")[1].split('"')[0]).decode()
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>")
    assert "<script" not in drawn


def test_only_addresses_of_the_web_become_covers() -> None:
    assert 'src="https://i.scdn.co/image/abc"' in markdown.cover("https://i.scdn.co/image/abc", "A")
    assert "javascript" not in markdown.cover("javascript:alert(1)", "A")
    assert '"><script' not in markdown.cover('https://x/"><script>', "A")


def plain_spaces(text: str) -> str:
    return text.replace(markdown.NBSP, " ")


def test_figures_read_well() -> None:
    assert markdown.number(1_234_567) == "1,234,567"
    assert markdown.number(None) == "–"
    assert markdown.counted(1, "play") == "1 play"
    assert markdown.counted(0, "play") == "0 plays"
    assert plain_spaces(markdown.share(0.0)) == "0 %"
    assert plain_spaces(markdown.share(0.001)) == "< 1 %"
    assert plain_spaces(markdown.share(0.999)) == "> 99 %"
    assert plain_spaces(markdown.share(1.0)) == "100 %"
    assert plain_spaces(markdown.share(None)) == "–"
    assert plain_spaces(markdown.minutes(59.6)) == "1 h"
    assert plain_spaces(markdown.minutes(125)) == "2 h 5 min"
    assert plain_spaces(markdown.minutes(600_000)) == "10,000 h"
    assert plain_spaces(markdown.minutes(0)) == "0 min"


def test_times_are_those_of_the_person() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert markdown.moment(late, ZoneInfo("Europe/Berlin")) == "1 Jan 2027, 00:30"
    assert markdown.day(date(2026, 3, 5)) == "5 Mar 2026"
    assert markdown.moment(None, ZoneInfo("UTC")) == "–"
