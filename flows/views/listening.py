"""The page *Listening*: when, what and how much, for 30 days, this year and all time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.views import charts
from flows.views.frame import LISTENING, PLAYLISTS, playlist_name, year_name
from flows.views.library import Period, periods_table
from flows.views.listening_rows import (
    CalendarDay,
    Context,
    DiscoveryMonth,
    HourOfWeek,
    Month,
    MonthOfArtist,
    Ranked,
    Streak,
    TopAlbum,
    TopArtist,
    Tops,
    TopTrack,
    read_calendar,
    read_tops,
)
from flows.views.markdown import (
    COVER_COLUMN,
    counted,
    cover,
    day,
    link,
    minutes,
    name,
    number,
    share,
    table,
    titled,
)
from flows.views.pages import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.views.frame import Frame
    from flows.views.rows import Reader

SHOWN_MONTHS = 24
SHOWN_ARTISTS = 5
SHOWN_STREAKS = 5
SHOWN_CONTEXTS = 10
NO_PLAYS = (
    "No play is known yet, so there is nothing to draw. The next poll asks Spotify for the latest 50; an"
    " import of your export (import-history) brings the years before."
)


@dataclass(frozen=True)
class Listening:
    """Everything that the page shows."""

    periods: list[Period]
    hours: list[HourOfWeek]
    days: list[CalendarDay]
    months: list[Month]
    artist_months: list[MonthOfArtist]
    discoveries: list[DiscoveryMonth]
    tops: Tops
    streaks: list[Streak]
    contexts: list[Context]


def read(reader: Reader, year: int) -> Listening:
    """Read what the page shows; `year` is the one under way."""
    tops = read_tops(reader, [period for period, _ in shown_periods(year)])
    return Listening(
        periods=reader.rows(Period, "analytics.listening_summary"),
        hours=reader.rows(HourOfWeek, "analytics.listening_by_hour"),
        days=read_calendar(reader, since=year - 1),
        months=reader.rows(Month, "analytics.listening_by_month", "order by month"),
        artist_months=reader.rows(MonthOfArtist, "analytics.top_artist_by_month", "order by month"),
        discoveries=reader.rows(DiscoveryMonth, "analytics.discoveries", "order by month"),
        tops=tops,
        streaks=reader.rows(
            Streak,
            "analytics.listening_streaks",
            "order by day_count desc, start_day desc limit %s",
            [SHOWN_STREAKS],
        ),
        contexts=reader.rows(
            Context,
            "analytics.listening_contexts",
            "order by slug is null, play_count desc, context_uri limit %s",
            [SHOWN_CONTEXTS],
        ),
    )


def shown_periods(year: int) -> list[tuple[str, str]]:
    """Return the periods of the page with their names: 30 days, this year, all time."""
    return [("30d", "30 days"), (str(year), str(year)), ("all", "all time")]


def page(found: Listening, frame: Frame) -> Page:
    """Return the page."""
    lines = [frame.menu(LISTENING), "", "# Listening", ""]
    if not any(each.play_count for each in found.periods):
        return _as_page([*lines, NO_PLAYS])
    year = frame.today.year
    lines += [*periods_table(found.periods), *_drawn(found, year)]
    for period, title in shown_periods(year):
        lines += tops_of(found.tops, period, title, frame)
    lines += [*_streaks(found), *_contexts(found, frame)]
    if frame.years:
        years = " · ".join(frame.page(str(each), year_name(each)) for each in frame.years)
        lines += ["## Years", "", years, ""]
    return _as_page(lines)


def _as_page(lines: Sequence[str]) -> Page:
    return Page(LISTENING, "Listening: when, what and how much", "\n".join(lines) + "\n")


def drawings(found: Listening, year: int) -> list[charts.Spec]:
    """Return the charts of the page, without those that have nothing to show."""
    drawn = [
        charts.clock(found.hours),
        charts.calendar(found.days, year),
        charts.calendar(found.days, year - 1),
        charts.months(found.months[-SHOWN_MONTHS:]),
        charts.months_of_artists(found.artist_months, found.months[-SHOWN_MONTHS:]),
        charts.discoveries(found.discoveries[-SHOWN_MONTHS:]),
    ]
    return [each for each in drawn if each is not None]


def _drawn(found: Listening, year: int) -> list[str]:
    lines = []
    for each in drawings(found, year):
        lines += [charts.picture(each), ""]
    return lines


def tops_of(tops: Tops, period: str, title: str, frame: Frame) -> list[str]:
    """Return the lines of the top lists of one period, which is called `title`."""
    tracks = [each for each in tops.tracks if each.period == period]
    if not tracks:
        return [f"## Top of {title}", "", "Nothing was played in this time.", ""]
    artists = [each for each in tops.artists if each.period == period]
    albums = [each for each in tops.albums if each.period == period]
    genres = [each for each in tops.genres if each.period == period]
    figures = ("plays:", "time:", "share:")
    lines = [f"## Top of {title}", "", "### Tracks", ""]
    lines += table(
        (":", "", COVER_COLUMN, "track", *figures),
        [
            (
                number(each.place),
                movement(each),
                cover(each.album_image_url, each.album, frame.spotify.track(each.track_id)),
                titled(each.title, frame.spotify.track(each.track_id), each.artist),
                *_figures(each),
            )
            for each in tracks
        ],
    )
    lines += ["", "### Artists", ""]
    lines += table(
        (":", "", COVER_COLUMN, "artist", "tracks:", *figures),
        [
            (
                number(each.place),
                movement(each),
                cover(each.image_url, each.artist, frame.spotify.artist(each.artist_id)),
                link(name(each.artist), frame.spotify.artist(each.artist_id)),
                number(each.recording_count),
                *_figures(each),
            )
            for each in artists
        ],
    )
    lines += ["", "### Albums", ""]
    lines += table(
        (":", "", COVER_COLUMN, "album", *figures),
        [
            (
                number(each.place),
                movement(each),
                cover(each.album_image_url, each.album, frame.spotify.album(each.album_id)),
                titled(each.album, frame.spotify.album(each.album_id), each.artist),
                *_figures(each),
            )
            for each in albums
        ],
    )
    if genres:
        named = ", ".join(f"{name(each.genre)} ({share(each.share)})" for each in genres[:SHOWN_ARTISTS])
        lines += ["", f"Genres, where they are known: {named}."]
    return [*lines, ""]


def _figures(each: TopTrack | TopArtist | TopAlbum) -> tuple[str, str, str]:
    return number(each.play_count), minutes(each.minutes), share(each.share)


def movement(each: Ranked) -> str:
    """Return how a row stands against the period before."""
    if each.previous_rank is None:
        return "new"
    if each.rank == each.previous_rank:
        return "="
    return f"{'▲' if each.rank < each.previous_rank else '▼'}{abs(each.rank - each.previous_rank)}"


def _streaks(found: Listening) -> list[str]:
    if not found.streaks:
        return []
    rows = [
        (
            counted(each.day_count, "day"),
            day(each.start_day),
            "goes on" if each.is_current else day(each.end_day),
            number(each.play_count),
        )
        for each in found.streaks
    ]
    return ["## Longest streaks", "", *table(("days in a row:", "from", "to", "plays:"), rows), ""]


def _contexts(found: Listening, frame: Frame) -> list[str]:
    lines = ["## Played from", ""]
    if not found.contexts:
        return [*lines, "Spotify has not told yet from where a play was started; polls ask for it.", ""]
    rows = [
        (
            frame.page(name(each.name), playlist_name(each.slug)) if each.slug else name(each.name),
            "one of ours" if each.slug else (each.context_type or ""),
            number(each.play_count),
            share(each.share),
        )
        for each in found.contexts
    ]
    about = f"What plays were started from; ours are in {frame.page('Playlists', PLAYLISTS)}."
    return [*lines, about, "", *table(("", "", "plays:", "share:"), rows), ""]
