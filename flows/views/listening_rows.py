"""Rows of the marts on listening, as the pages, the charts and the report read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from flows.views.rows import Reader

TOP = 10


@dataclass(frozen=True)
class HourOfWeek:
    """One row of `analytics.listening_by_hour`: an hour (0 to 23) of a weekday (1 is Monday), local time."""

    weekday: int
    hour: int
    play_count: int


@dataclass(frozen=True)
class CalendarDay:
    """One row of `analytics.calendar`. `completeness` from 0 to 1, None where nothing is known."""

    local_date: date
    weekday: int
    play_count: int
    completeness: float | None


@dataclass(frozen=True)
class Month:
    """One row of `analytics.listening_by_month`. `month` is its first day."""

    month: date
    play_count: int
    minutes: float
    completeness: float | None


@dataclass(frozen=True)
class MonthOfArtist:
    """One row of `analytics.top_artist_by_month`: the artist who was played most in a month."""

    month: date
    artist_key: str
    artist: str | None
    play_count: int


@dataclass(frozen=True)
class DiscoveryMonth:
    """One row of `analytics.discoveries`. The share, from 0 to 1, is of the recordings heard that month."""

    month: date
    new_recordings: int
    new_recording_share: float | None
    new_artists: int


class Ranked(Protocol):
    """What rows of all top lists have."""

    @property
    def place(self) -> int:
        """1, 2, 3 …"""

    @property
    def rank(self) -> int:
        """The place, which equals share."""

    @property
    def previous_rank(self) -> int | None:
        """In the period before; None where it was not heard then."""


@dataclass(frozen=True)
class TopTrack:
    """One row of `analytics.top_tracks`."""

    period: str
    place: int
    rank: int
    previous_rank: int | None
    track_id: str | None
    title: str | None
    artist: str | None
    album: str | None
    album_image_url: str | None
    play_count: int
    minutes: float
    share: float


@dataclass(frozen=True)
class TopArtist:
    """One row of `analytics.top_artists`."""

    period: str
    place: int
    rank: int
    previous_rank: int | None
    artist_key: str
    artist_id: str | None
    artist: str | None
    image_url: str | None
    recording_count: int
    play_count: int
    minutes: float
    share: float


@dataclass(frozen=True)
class TopAlbum:
    """One row of `analytics.top_albums`."""

    period: str
    place: int
    rank: int
    previous_rank: int | None
    album_id: str | None
    album: str | None
    artist: str | None
    album_image_url: str | None
    play_count: int
    minutes: float
    share: float


@dataclass(frozen=True)
class TopGenre:
    """One row of `analytics.top_genres`. A play counts for each genre of its first artist."""

    period: str
    place: int
    rank: int
    previous_rank: int | None
    genre: str
    play_count: int
    share: float


@dataclass(frozen=True)
class Streak:
    """One row of `analytics.listening_streaks`."""

    start_day: date
    end_day: date
    day_count: int
    play_count: int
    is_current: bool


@dataclass(frozen=True)
class Context:
    """One row of `analytics.listening_contexts`: a playlist, album or artist that plays were started from."""

    context_type: str | None
    slug: str | None
    name: str | None
    play_count: int
    share: float


@dataclass(frozen=True)
class Tops:
    """The top lists of all periods that are shown."""

    tracks: list[TopTrack]
    artists: list[TopArtist]
    albums: list[TopAlbum]
    genres: list[TopGenre]


def read_tops(reader: Reader, periods: Sequence[str], *, most: int = TOP) -> Tops:
    """Read the top lists of these periods."""
    where = "where period = any(%s) and place <= %s order by period, place"
    given = [list(periods), most]
    return Tops(
        tracks=reader.rows(TopTrack, "analytics.top_tracks", where, given),
        artists=reader.rows(TopArtist, "analytics.top_artists", where, given),
        albums=reader.rows(TopAlbum, "analytics.top_albums", where, given),
        genres=reader.rows(TopGenre, "analytics.top_genres", where, given),
    )


def read_calendar(reader: Reader, *, since: int = 0) -> list[CalendarDay]:
    """Read every day of the years from `since` on, in their order."""
    return reader.rows(CalendarDay, "analytics.calendar", "where year >= %s order by local_date", [since])
