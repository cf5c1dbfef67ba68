"""Rows of a person's listening, as the marts would have them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flows.views.library import Period
from flows.views.listening import Listening
from flows.views.listening_rows import (
    CalendarDay,
    Context,
    DiscoveryMonth,
    HourOfWeek,
    Month,
    MonthOfArtist,
    Streak,
    TopAlbum,
    TopArtist,
    TopGenre,
    Tops,
    TopTrack,
)
from flows.views.year import YearInReview

NOTHING = Listening([], [], [], [], [], [], Tops([], [], [], []), [], [])


def days_of(year: int, plays: int, *, unknown: int = 0) -> list[CalendarDay]:
    """Every day of a year with as many plays; the first `unknown` days are not known."""
    first = date(year, 1, 1)
    found = []
    for number in range((date(year + 1, 1, 1) - first).days):
        day = first + timedelta(days=number)
        is_known = number >= unknown
        found.append(CalendarDay(day, day.isoweekday(), plays if is_known else 0, float(is_known)))
    return found


def period(name: str, plays: int) -> Period:
    return Period(
        name, plays, plays * 3.5, min(plays, 900), min(plays, 80), 29, 17, 0.25, 0.5, date(2026, 1, 1)
    )


def listening(plays: int = 1_234_567, *names: str) -> Listening:
    """A year of listening with top lists of these names."""
    named = names or ("Song",)
    months = [date(2026, month, 1) for month in range(1, 12)]
    tops: dict[str, list[Any]] = {"tracks": [], "artists": [], "albums": [], "genres": []}
    for which in ("30d", "2026", "all"):
        for place, name in enumerate(named, start=1):
            order = (which, place, place, place + 2 if place == 1 else None)
            tops["tracks"].append(TopTrack(*order, "track1", name, name, name, None, plays, 90.0, 0.5))
            tops["artists"].append(TopArtist(*order, name, "artist1", name, None, 3, plays, 90.0, 0.5))
            tops["albums"].append(TopAlbum(*order, "album1", name, name, None, plays, 90.0, 0.5))
            tops["genres"].append(TopGenre(*order, name, plays, 0.5))
    return Listening(
        periods=[period(which, plays) for which in ("7d", "30d", "365d", "all")],
        hours=[
            HourOfWeek(weekday, hour, plays if hour == 20 else 0)
            for weekday in range(1, 8)
            for hour in range(24)
        ],
        days=days_of(2026, plays, unknown=14),
        months=[Month(month, plays, plays * 3.5, 0.4 if month.month == 3 else 1.0) for month in months],
        artist_months=[MonthOfArtist(month, named[0], named[0], plays) for month in months],
        discoveries=[DiscoveryMonth(month, plays, 0.25, 3) for month in months],
        tops=Tops(**tops),
        streaks=[Streak(date(2026, 3, 1), date(2026, 3, 17), 17, plays, is_current=False)],
        contexts=[
            Context("playlist", "most_played", named[0], plays, 0.5),
            Context("album", None, None, 1, 0.1),
        ],
    )


def review(year: int = 2026, plays: int = 8_803, name: str | None = "Song", **more: Any) -> YearInReview:
    """A year in review in which everything has the same name."""
    given: dict[str, Any] = {
        "year": year,
        "play_count": plays,
        "minutes": plays * 3.5,
        "recording_count": plays,
        "artist_count": 171,
        "album_count": 90,
        "days_with_plays": 303,
        "longest_streak_days": 103,
        "skip_rate": 0.16,
        "completeness": 1.0,
        "top_track": name,
        "top_track_artist": name,
        "top_track_plays": 77,
        "top_artist": name,
        "top_artist_plays": 512,
        "top_album": name,
        "top_album_artist": name,
        "top_album_plays": 200,
        "top_genre": name,
        "first_track": name,
        "first_track_artist": name,
        "first_played_at": None,
        "new_recordings": 640,
        "new_artists": 12,
        "most_played_day": date(year, 5, 5),
        "most_played_day_plays": 99,
        "favourite_hour": 20,
        "favourite_weekday": 5,
        "obsessions": [],
        "forgotten": [],
        "refound": [],
    }
    return YearInReview(**given | more)
