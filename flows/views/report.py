"""The report: *Library*, *Listening* and the years in one HTML file that works without a network.

The scripts that draw its charts stand in the file. Only covers are asked for, at Spotify; a drawn tile stands
where one does not come.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flows.views import charts, health, library, listening
from flows.views import year as years
from flows.views.frame import spotify_url
from flows.views.links import Spotify
from flows.views.listening_rows import read_calendar
from flows.views.markdown import counted, minutes, moment, number, share, tile
from flows.views.rows import Reader
from profiles.clock import real_now

if TYPE_CHECKING:
    from datetime import datetime

    from flows.views.library import Library
    from flows.views.listening import Listening
    from flows.views.listening_rows import CalendarDay
    from flows.views.year import YearInReview
    from profiles.database import Database
    from profiles.settings import Settings

TEMPLATE = "report.html.j2"
TITLE = "Listening report"
FILE_NAME = "report.html"


@dataclass(frozen=True)
class Report:
    """Everything that the report shows."""

    library: Library
    listening: Listening
    years: list[YearInReview]
    days: list[CalendarDay]


def write(settings: Settings, database: Database, file: Path, *, year: int | None = None) -> int:
    """Write the report, of one year or of all; returns its size in bytes.

    Raises OSError, and psycopg2.errors.UndefinedColumn where the warehouse is of an older version.
    """
    now, zone = real_now(), ZoneInfo(settings.tracker_timezone)
    today = now.astimezone(zone).year
    with database.transaction() as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        found = read(Reader(cursor), this_year=today, year=year, poll_seconds=settings.tracker_poll_seconds)
    text = html(found, spotify=Spotify(spotify_url(settings)), now=now, zone=zone, this_year=today)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file.stat().st_size


def read(reader: Reader, *, this_year: int, year: int | None, poll_seconds: int) -> Report:
    """Read what the report shows."""
    found = years.read_reviews(reader)
    return Report(
        library=library.read(reader, poll_seconds=poll_seconds),
        listening=listening.read(reader, this_year),
        years=[each for each in found if year is None or each.year == year],
        days=read_calendar(reader),
    )


def html(found: Report, *, spotify: Spotify, now: datetime, zone: ZoneInfo, this_year: int) -> str:
    """Return the report."""
    drawn = {f"chart-{place}": spec for place, spec in enumerate(_charts(found, this_year))}
    of_years = {each.year: charts.calendar(found.days, each.year) for each in found.years}
    specs = drawn | {f"calendar-{year}": spec for year, spec in of_years.items() if spec is not None}
    checks = found.library.checks
    text: str = _template().render(
        title=TITLE,
        written=moment(now, zone),
        found=found.listening,
        periods=library.PERIODS,
        shown_periods=listening.shown_periods(this_year),
        is_heard=any(each.play_count for each in found.listening.periods),
        no_plays=listening.NO_PLAYS,
        state=health.state_of(checks),
        headline=health.headline(checks),
        size=_size(found.library),
        charts=list(drawn),
        years=[
            {
                "review": each,
                "facts": years.facts(each),
                "doubt": years.doubt(each),
                "chart": f"calendar-{each.year}" if of_years[each.year] else None,
            }
            for each in found.years
        ],
        specs={name: _fitting(spec) for name, spec in specs.items()},
        track_url=spotify.track,
        album_url=spotify.album,
        artist_url=spotify.artist,
    )
    return text


def _charts(found: Report, this_year: int) -> list[charts.Spec]:
    # the calendars of the years stand with the years
    without = {f"{year}:" for year in (this_year, this_year - 1)}
    drawn = listening.drawings(found.listening, this_year)
    return [spec for spec in drawn if str(spec["title"]["text"])[:5] not in without]


def _size(found: Library) -> str:
    if found.size is None:
        return ""
    likes, albums = found.size.liked_tracks, found.size.saved_albums
    return f"{counted(likes, 'liked track')} and {counted(albums, 'saved album')} in the library."


def _fitting(spec: charts.Spec) -> charts.Spec:
    """Return a chart that is as wide as its place."""
    return spec | {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=charts.VEGALITE)
    environment.globals |= {
        "hatching": Markup(charts.HATCHING),  # noqa: S704  # ours
        "script": Markup(f"(() => {{{script}}})();"),  # noqa: S704  # Vega's, out of the package
        "counted": counted,
        "minutes": minutes,
        "movement": listening.movement,
        "name": charts.whole_name,
        "number": number,
        "share": share,
        "tile": tile,
    }
    return environment.get_template(TEMPLATE)
