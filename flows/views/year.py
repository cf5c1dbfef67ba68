"""The page of one year: what it sounded like, as facts and top lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.views import charts
from flows.views.frame import year_name
from flows.views.listening import tops_of
from flows.views.listening_rows import CalendarDay, Tops, read_calendar, read_tops
from flows.views.markdown import counted, day, minutes, name, number, share, table
from flows.views.pages import Page

if TYPE_CHECKING:
    from datetime import date, datetime

    from flows.views.frame import Frame
    from flows.views.listening_rows import CalendarDay, Tops
    from flows.views.rows import Reader

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
SHOWN = 5
REVIEWS = "analytics.year_in_review"


@dataclass(frozen=True)
class YearInReview:
    """One row of `analytics.year_in_review`. Lists hold objects with title, artist and a figure."""

    year: int
    play_count: int
    minutes: float
    recording_count: int
    artist_count: int
    album_count: int
    days_with_plays: int
    longest_streak_days: int
    skip_rate: float | None
    completeness: float | None
    top_track: str | None
    top_track_artist: str | None
    top_track_plays: int | None
    top_artist: str | None
    top_artist_plays: int | None
    top_album: str | None
    top_album_artist: str | None
    top_album_plays: int | None
    top_genre: str | None
    first_track: str | None
    first_track_artist: str | None
    first_played_at: datetime | None
    new_recordings: int | None
    new_artists: int | None
    most_played_day: date | None
    most_played_day_plays: int | None
    favourite_hour: int | None
    favourite_weekday: int | None
    obsessions: list[dict[str, Any]]
    forgotten: list[dict[str, Any]]
    refound: list[dict[str, Any]]


@dataclass(frozen=True)
class Fact:
    """One thing to keep of a year: what it is called, the figure or name, and what explains it."""

    about: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class Year:
    """Everything that the page of a year shows."""

    review: YearInReview
    days: list[CalendarDay]
    tops: Tops


def read(reader: Reader, year: int) -> list[Year]:
    """Read what the page of a year shows: one, or none where the year is not known."""
    return [
        Year(review, read_calendar(reader, since=year), read_tops(reader, [str(year)]))
        for review in reader.rows(YearInReview, REVIEWS, "where year = %s", [year])
    ]


def read_reviews(reader: Reader) -> list[YearInReview]:
    """Read every year, the newest first."""
    return reader.rows(YearInReview, REVIEWS, "order by year desc")


def facts(year: YearInReview) -> list[Fact]:
    """Return what there is to say of a year, plain text. What is not known is left out."""
    found = [
        Fact(
            "You heard",
            minutes(year.minutes),
            f"{counted(year.play_count, 'play')} on {counted(year.days_with_plays, 'day')}",
        ),
        Fact("Different tracks", number(year.recording_count), f"by {counted(year.artist_count, 'artist')}"),
    ]
    if year.top_artist:
        found.append(Fact("Artist of the year", year.top_artist, counted(year.top_artist_plays, "play")))
    if year.top_track:
        plays = counted(year.top_track_plays, "play")
        found.append(Fact("Track of the year", year.top_track, _by(year.top_track_artist, plays)))
    if year.top_album:
        plays = counted(year.top_album_plays, "play")
        found.append(Fact("Album of the year", year.top_album, _by(year.top_album_artist, plays)))
    if year.top_genre:
        found.append(Fact("Genre of the year", year.top_genre))
    if year.first_track and year.first_played_at:
        found.append(
            Fact("It began with", year.first_track, _by(year.first_track_artist, day(year.first_played_at)))
        )
    if year.new_recordings is not None:
        artists = f"and {counted(year.new_artists, 'new artist')}" if year.new_artists else ""
        found.append(Fact("Heard for the first time", counted(year.new_recordings, "track"), artists))
    if year.most_played_day is not None:
        plays = counted(year.most_played_day_plays, "play")
        found.append(Fact("The day with most music", day(year.most_played_day), plays))
    if year.favourite_hour is not None and year.favourite_weekday is not None:
        hour = f"{year.favourite_hour}:00 to {year.favourite_hour + 1}:00"
        found.append(Fact("Your hour", hour, f"and mostly on {WEEKDAYS[year.favourite_weekday - 1]}"))
    found.append(Fact("Longest streak", counted(year.longest_streak_days, "day"), "in a row with music"))
    if year.skip_rate is not None:
        found.append(Fact("Skipped", share(year.skip_rate), "of what was started"))
    return found


def _by(artist: str | None, figure: str) -> str:
    return f"by {artist}, {figure}" if artist else figure


def doubt(year: YearInReview) -> str:
    """Return a sentence where the year is not well known, else nothing."""
    if year.completeness is None or year.completeness >= charts.WELL_KNOWN:
        return ""
    return f"{share(year.completeness)} of the year is known: the figures are at least these."


def page(found: Year, frame: Frame) -> Page:
    """Return the page of a year."""
    year = found.review
    lines = [frame.menu(year_name(year.year)), "", f"# {year.year} in review", ""]
    if year.completeness is not None and year.completeness < charts.WELL_KNOWN:
        lines += [
            f"Only {share(year.completeness)} of the year is known: the figures are at least these.",
            "",
        ]
    cells = [
        (f"**{name(each.value)}**", each.about, name(each.more) if each.more else "") for each in facts(year)
    ]
    lines += [*table(("", "", ""), cells), ""]
    drawn = charts.calendar(found.days, year.year)
    lines += [charts.picture(drawn), ""] if drawn else []
    for heading, rows, figure in (
        ("Obsessions", year.obsessions, "play_count"),
        ("Forgotten: loved in the year before, silent in this one", year.forgotten, "play_count"),
        ("Refound after a long silence", year.refound, "quiet_days"),
    ):
        lines += _listed(heading, rows, figure)
    lines += tops_of(found.tops, str(year.year), str(year.year), frame)
    return Page(year_name(year.year), f"{year.year} in review", "\n".join(lines) + "\n")


def _listed(heading: str, rows: list[dict[str, Any]], figure: str) -> list[str]:
    if not rows:
        return []
    unit = "days quiet:" if figure == "quiet_days" else "plays:"
    cells = [(name(each["title"]), name(each["artist"]), number(each[figure])) for each in rows[:SHOWN]]
    return [f"## {heading}", "", *table(("track", "artist", unit), cells), ""]
