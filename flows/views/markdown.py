"""Pieces of Markdown that both of Prefect's UIs show alike: text, numbers, times, covers, tables."""

from __future__ import annotations

import base64
import html
import unicodedata
import zlib
from typing import TYPE_CHECKING

from flows.views.theme import TILE_COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

NO_NAME = "(no name)"
NOTHING = "–"
LONGEST_NAME = 70
COVER_PX = 40
COVER_COLUMN = "\N{NO-BREAK SPACE}" * 11
"""Its heading keeps the column as wide as a cover on a phone, where images shrink to nothing."""
SMALL = 8
"""Times that a cover is set in smaller letters: the newer UI gives images a margin of two letters' height."""
ISOLATE, END_OF_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
TURNS_LINE = {"R", "AL", "RLE", "RLO", "LRE", "LRO"}
HOUR_MIN = 60
NBSP = "\N{NO-BREAK SPACE}"
STATES = {"ok": "✔", "warn": "⚠", "red": "✘"}


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, in one line: names of songs hold every character there is."""
    text = " ".join(text.split()).replace("&", "&amp;")
    for character in "\\`*_[]<>#|~$":
        text = text.replace(character, f"\\{character}")
    return text


def name(text: str | None, *, longest: int = LONGEST_NAME) -> str:
    """Return a name of Spotify's, escaped and shortened. It never turns the text around it right to left."""
    shown = " ".join((text or "").translate(ISOLATES).split()) or NO_NAME
    if len(shown) > longest:
        shown = f"{shown[: longest - 1].rstrip()}…"
    shown = escape(shown)
    if any(unicodedata.bidirectional(character) in TURNS_LINE for character in shown):
        return f"{ISOLATE}{shown}{END_OF_ISOLATE}"
    return shown


def link(text: str, address: str | None) -> str:
    """Return a link; `text` is Markdown already. Without an address it is the text alone."""
    return f"[{text}]({address})" if address else text


def image(source: str, *, width: int, height: int | None = None, about: str = "") -> str:
    """Return a picture of this size in pixels, as HTML: Markdown has no sizes."""
    size = f'width="{width}"' + (f' height="{height}"' if height else "")
    return f'<img src="{html.escape(source, quote=True)}" {size} alt="{attribute(about)}">'


def attribute(text: str) -> str:
    """Return text that may stand in an attribute of HTML, within a table of Markdown."""
    return html.escape(" ".join(text.split()), quote=True).replace("|", "&#124;")


def cover(url: str | None, title: str | None, address: str | None = None) -> str:
    """Return an album's cover for a cell of a table, or a drawn tile where Spotify gives none.

    It links to `address`. By HTML, as the older UI shows no image within a link of Markdown.
    """
    is_address = url is not None and url.startswith(("https://", "http://"))
    drawn = image(url if url and is_address else tile(title), width=COVER_PX, height=COVER_PX)
    drawn = f"{'<sub>' * SMALL}{drawn}{'</sub>' * SMALL}"
    return f'<a href="{html.escape(address, quote=True)}">{drawn}</a>' if address else drawn


def titled(title: str | None, address: str | None, *below: str | None) -> str:
    """Return a cell with a title that links to Spotify, and names below it."""
    return "<br>".join([link(name(title), address), *(name(each, longest=50) for each in below)])


def tile(title: str | None) -> str:
    """Return the address of a drawn cover: the title's first letter, on a colour that stays the same."""
    letter = next((character for character in title or "" if character.isalnum()), "♪").upper()
    colour = TILE_COLOURS[zlib.crc32((title or "").encode()) % len(TILE_COLOURS)]
    return svg_address(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
        f'<rect width="40" height="40" rx="3" fill="{colour}"/><text x="20" y="27" font-size="20"'
        f' font-family="sans-serif" text-anchor="middle" fill="#fff">{html.escape(letter)}</text></svg>'
    )


def state_sign(state: str) -> str:
    """Return the sign of a state of health: ok, warn, red; any other is unknown."""
    return STATES.get(state, "?")


def svg_address(svg: str) -> str:
    """Return a drawing as an address: the UIs show no drawing that stands in the text itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table. A column whose name ends with `:` is one of numbers, set to the right.

    The cells are Markdown already.
    """
    heads = [column.rstrip(":") for column in columns]
    rules = ["---:" if column.endswith(":") else "---" for column in columns]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]


def number(value: float | None) -> str:
    """Return a count with thousands separators."""
    return NOTHING if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Return a share as percent; what is neither nothing nor everything is not rounded to it."""
    if value is None:
        return NOTHING
    if 0 < value < 0.01:  # noqa: PLR2004  # one percent
        return f"<{NBSP}1{NBSP}%"
    return f">{NBSP}99{NBSP}%" if 0.99 < value < 1 else f"{100 * value:.0f}{NBSP}%"  # noqa: PLR2004  # as above


def counted(count: float | None, one: str, many: str | None = None) -> str:
    """Return a count with its word: `1 play`, `2,000 plays`."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def minutes(value: float | None) -> str:
    """Return a length in minutes as hours and minutes."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < HOUR_MIN:
        return f"{whole}{NBSP}min"
    hours, rest = divmod(whole, HOUR_MIN)
    return f"{hours:,}{NBSP}h" if rest == 0 or hours >= 100 else f"{hours}{NBSP}h{NBSP}{rest}{NBSP}min"  # noqa: PLR2004  # long enough


def day(value: date | None) -> str:
    """Return a day: `5 Nov 2026`."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """Return a time in the person's zone: `5 Nov 2026, 14:40`."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{day(local)}, {local:%H:%M}"
