"""Charts, as altair specifications and as SVG drawings. Each title says what is seen.

What is not known is hatched, never interpolated. The grounds are transparent: a page may be light or dark.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from flows.views.markdown import NO_NAME, counted, image, minutes, share, svg_address
from flows.views.theme import COLOURS, FONT, RULE, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.views.listening_rows import CalendarDay, DiscoveryMonth, HourOfWeek, Month, MonthOfArtist

WIDTH = 640
"""Pixels, of a chart within its axes: what a page is wide in both UIs."""
HATCHED = "url(#not-known)"
HATCHING = (
    '<defs><pattern id="not-known" width="6" height="6" patternUnits="userSpaceOnUse"'
    f' patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="{TEXT}" stroke-width="2"'
    ' stroke-opacity="0.55"/></pattern></defs>'
)
KNOWN = 0.5
"""Completeness from which on a day or month is drawn as known."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS_OF_DAY = {
    "nights": (range(5), "before 5:00"),
    "mornings": (range(5, 12), "between 5:00 and 12:00"),
    "afternoons": (range(12, 18), "between 12:00 and 18:00"),
    "evenings": (range(18, 24), "after 18:00"),
}
LONGEST_LABEL = 28
OTHERS = "others"
WELL_KNOWN = 0.9
"""The same of a month, whose figure is a sum."""

VEGALITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])

Spec = dict[str, Any]
"""A specification of Vega-Lite."""


def clock(hours: Sequence[HourOfWeek]) -> Spec | None:
    """Return plays by weekday and hour; None where there are none. 168 rows."""
    total = sum(each.play_count for each in hours)
    if not total:
        return None
    shares = {
        part: sum(each.play_count for each in hours if each.hour in span) / total
        for part, (span, _) in PARTS_OF_DAY.items()
    }
    part = max(shares, key=lambda each: shares[each])
    rows = [asdict(each) | {"day": WEEKDAYS[each.weekday - 1]} for each in hours]
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X("hour:O", title=None, axis=_axis(labelExpr="datum.value % 3 ? '' : datum.value + ':00'")),
            y=alt.Y("day:N", sort=list(WEEKDAYS), title=None, axis=_axis()),
            color=alt.value(COLOURS[0]),
            opacity=_intensity("play_count"),
            tooltip=[_tip("day", "day"), _tip("hour", "hour"), _count_tip("play_count", "plays")],
        )
        .properties(height=190)
    )
    return _titled(chart, f"Mostly {part}: {share(shares[part])} {PARTS_OF_DAY[part][1]}")


def calendar(days: Sequence[CalendarDay], year: int) -> Spec | None:
    """Return the days of a year, a column per week; None where none is known. One row per day."""
    shown = [each for each in days if each.local_date.year == year]
    if not shown:
        return None
    rows = [
        {
            "date": each.local_date.isoformat(),
            "day": WEEKDAYS[each.weekday - 1],
            # of ISO weeks the first and the last may belong to another year
            "week": (
                each.local_date.timetuple().tm_yday + each.local_date.replace(month=1, day=1).weekday() - 1
            )
            // 7,
            "plays": each.play_count,
            "known": share(each.completeness),
            "is_known": (each.completeness or 0) >= KNOWN or each.play_count > 0,
        }
        for each in shown
    ]
    month = f"{{{', '.join(f'{week}: {name!r}' for week, name in _month_names(rows))}}}[datum.value] || ''"
    grid = alt.Chart(alt.InlineData(rows)).encode(
        x=alt.X(
            "week:O",
            title=None,
            axis=_axis(labelExpr=month, labelFlush=False),
            scale=alt.Scale(domain=list(range(54))),
        ),
        y=alt.Y(
            "day:N",
            sort=list(WEEKDAYS),
            title=None,
            axis=_axis(labelExpr="indexof(['Mon', 'Wed', 'Fri', 'Sun'], datum.value) < 0 ? '' : datum.value"),
        ),
        tooltip=[_tip("date", "day"), _count_tip("plays", "plays"), _tip("known", "known")],
    )
    known = (
        grid.transform_filter("datum.is_known")
        .mark_rect(cornerRadius=2)
        .encode(color=alt.value(COLOURS[2]), opacity=_intensity("plays"))
    )
    unknown = grid.transform_filter("!datum.is_known").mark_rect(cornerRadius=2, fill=HATCHED)
    played = sum(each.play_count > 0 for each in shown)
    dark = sum(not row["is_known"] for row in rows)
    title = f"{year}: plays on {played} of {counted(len(shown), 'day')}"
    title += f"; {counted(dark, 'day')} not known (hatched)" if dark else ""
    return _titled(alt.layer(known, unknown).properties(height=120), title)


def months(found: Sequence[Month]) -> Spec | None:
    """Return plays a month as bars; months that are not known well are hatched behind what is known."""
    if not any(each.play_count for each in found):
        return None
    rows = [
        {
            "month": f"{each.month:%b %y}",
            "plays": each.play_count,
            "hours": round(each.minutes / 60),
            "known": share(each.completeness),
            "is_known": (each.completeness or 0) >= WELL_KNOWN,
        }
        for each in found
    ]
    most = max(found, key=lambda each: each.play_count)
    base = alt.Chart(alt.InlineData(rows)).encode(
        x=_months_axis(found),
        tooltip=[
            _tip("month", "month"),
            _count_tip("plays", "plays"),
            _count_tip("hours", "hours"),
            _tip("known", "known"),
        ],
    )
    hatched = (
        base.transform_filter("!datum.is_known").mark_bar(fill=HATCHED).encode(y=alt.datum(most.play_count))
    )
    bars = base.mark_bar(color=COLOURS[0], cornerRadiusEnd=2).encode(y=_count_axis("plays"))
    title = f"Most in {most.month:%B %Y}: {counted(most.play_count, 'play')}, {minutes(most.minutes)}"
    return _titled(alt.layer(hatched, bars).properties(height=190), title, subtitle=_doubt(rows))


def months_of_artists(found: Sequence[MonthOfArtist], all_months: Sequence[Month]) -> Spec | None:
    """Return the plays of each month's top artist; those who led most often have a colour of their own."""
    shown = {each.month for each in all_months}
    drawn = [each for each in found if each.month in shown]
    if not drawn:
        return None
    led = Counter(plain_name(each.artist) for each in drawn)
    names = [artist for artist, _ in led.most_common(len(COLOURS))]
    rows = [
        {
            "month": f"{each.month:%b %y}",
            "artist": plain_name(each.artist),
            "shown as": plain_name(each.artist) if plain_name(each.artist) in names else OTHERS,
            "plays": each.play_count,
        }
        for each in drawn
    ]
    has_others = any(row["shown as"] == OTHERS for row in rows)
    scale = alt.Scale(
        domain=[*names, OTHERS] if has_others else names,
        range=[*COLOURS[: len(names)], TEXT][: len(names) + has_others],
    )
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=_months_axis(all_months),
            y=_count_axis("plays"),
            color=alt.Color("shown as:N", scale=scale, title=None),
            tooltip=[_tip("month", "month"), _tip("artist", "artist"), _count_tip("plays", "plays")],
        )
        .properties(height=190)
    )
    months = f"{led[names[0]]} of {counted(len(drawn), 'month')}"
    return _titled(chart, f"{names[0]} led in {months}", subtitle="Plays of each month's top artist")


def discoveries(found: Sequence[DiscoveryMonth]) -> Spec | None:
    """Return recordings heard for the first time, by month."""
    if not any(each.new_recordings for each in found):
        return None
    rows = [
        {
            "month": f"{each.month:%b %y}",
            "new": each.new_recordings,
            "artists": each.new_artists,
            "share": share(each.new_recording_share),
        }
        for each in found
    ]
    last = found[-1]
    chart = (
        alt.Chart(alt.InlineData(rows))
        .mark_bar(color=COLOURS[2], cornerRadiusEnd=2)
        .encode(
            x=_months_axis(found),
            y=_count_axis("new"),
            tooltip=[
                *(
                    _tip("month", "month"),
                    _count_tip("new", "new tracks"),
                    _count_tip("artists", "new artists"),
                ),
                _tip("share", "of all tracks heard"),
            ],
        )
        .properties(height=160)
    )
    heard = f"{share(last.new_recording_share)} of the tracks heard" if last.new_recording_share else "none"
    title = f"New in {last.month:%B %Y}: {counted(last.new_recordings, 'track')}, {heard}"
    return _titled(chart, title, subtitle="Tracks heard for the first time, by month")


def plain_name(text: str | None) -> str:
    """Return a name as a label of a chart, which is plain text."""
    shown = whole_name(text)
    return shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 1].rstrip()}…"


def _doubt(rows: Sequence[dict[str, Any]]) -> str:
    dark = sum(not row["is_known"] for row in rows)
    return f"Plays a month; {counted(dark, 'month')} not fully known (hatched)" if dark else "Plays a month"


def _months_axis(found: Sequence[Month] | Sequence[DiscoveryMonth]) -> alt.X:
    order = [f"{each.month:%b %y}" for each in found]
    every = max(1, round(len(order) / 8))
    label = f"indexof({json.dumps(order[::-1][::every])}, datum.value) < 0 ? '' : datum.value"
    return alt.X(
        "month:N", sort=order, scale=alt.Scale(domain=order), title=None, axis=_axis(labelExpr=label)
    )


def _count_axis(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=None, axis=alt.Axis(format=",d", tickCount=4, domain=False, ticks=False))


def _month_names(rows: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    found: dict[int, str] = {}
    for row in rows:
        if row["date"][8:] == "08":
            found[row["week"]] = names[int(row["date"][5:7]) - 1]
    return list(found.items())


def _axis(**more: Any) -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelAngle=0, labelOverlap=False, **more)


def _intensity(field: str) -> alt.Opacity:
    """More is denser, and nothing is still seen."""
    return alt.Opacity(f"{field}:Q", scale=alt.Scale(type="sqrt", range=[0.07, 1]), legend=None)


def _tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:N", title=title)


def _count_tip(field: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", title=title, format=",")


def whole_name(text: str | None) -> str:
    """Return a name in one line, as plain text."""
    return " ".join((text or "").split()) or NO_NAME


def _titled(chart: Any, title: str, *, subtitle: str = "") -> Spec:
    text = alt.TitleParams(title, subtitle=subtitle or alt.Undefined)
    spec: Spec = chart.properties(title=text, width=WIDTH).to_dict()
    return spec | {"config": config(), "background": "transparent", "padding": 4}


@cache
def config() -> Spec:
    """Return our theme of Vega-Lite."""
    label = {"labelColor": TEXT, "labelFont": FONT, "labelFontSize": 13}
    title = {"titleColor": TEXT, "titleFont": FONT, "titleFontSize": 13, "titleFontWeight": "normal"}
    return {
        "view": {"stroke": None},
        "font": FONT,
        "title": {
            "anchor": "start",
            "color": TEXT,
            "font": FONT,
            "fontSize": 16,
            "fontWeight": 600,
            "offset": 12,
            "subtitleColor": TEXT,
            "subtitleFont": FONT,
            "subtitleFontSize": 13,
        },
        "axis": {**label, **title, "gridColor": RULE, "domainColor": RULE, "tickColor": RULE},
        "legend": {
            **label,
            **title,
            "orient": "bottom",
            "symbolType": "square",
            "labelLimit": 260,
            "columns": 3,
        },
        "range": {"category": list(COLOURS)},
    }


def svg(spec: Spec) -> str:
    """Return the drawing of a chart."""
    quiet = spec | {"config": spec["config"] | {"aria": False}}  # a drawing has one text for all: its title
    drawn: str = vl_convert.vegalite_to_svg(quiet, vl_version=VEGALITE)
    head, _, rest = drawn.partition(">")
    return f"{head}>{HATCHING}{rest}"


def picture(spec: Spec) -> str:
    """Return a chart as an image of a Markdown page."""
    title = spec["title"]["text"] if isinstance(spec["title"], dict) else str(spec["title"])
    return image(svg_address(svg(spec)), width=WIDTH + 60, about=title)
