"""The page *Library*: whether all is well, what was played last, how much there is. It has no chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flows.views import health
from flows.views.frame import LIBRARY, PLAYLISTS
from flows.views.markdown import (
    COVER_COLUMN,
    NBSP,
    counted,
    cover,
    escape,
    minutes,
    moment,
    number,
    share,
    state_sign,
    table,
    titled,
)
from flows.views.pages import Page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from flows.views.frame import Frame
    from flows.views.health import Check
    from flows.views.rows import Reader

LATEST = 20
OLD_AFTER_POLLS = 3
SHORTEST_OLD = timedelta(hours=1)
PERIODS = {"7d": "7 days", "30d": "30 days", "365d": "365 days", "all": "all time"}
NO_PLAYS = (
    "No play is known yet. The next poll asks Spotify for the latest 50, and an import of your export"
    " (import-history) brings the years before."
)
LATEST_PLAYS = """
    left join (select track_id, album_image_url from analytics.tracks) as covers using (track_id)
    order by played_at desc, play_id
    limit %s
"""


@dataclass(frozen=True)
class LatestPlay:
    """One play of `analytics.plays`, with its album's cover."""

    played_at: datetime
    track_id: str | None
    title: str | None
    artist: str | None
    album: str | None
    album_image_url: str | None


@dataclass(frozen=True)
class Period:
    """One row of `analytics.listening_summary`. `minutes` of listening; shares from 0 to 1."""

    period: str
    play_count: int
    minutes: float
    recording_count: int
    artist_count: int
    days_with_plays: int
    longest_streak_days: int
    skip_rate: float | None
    completeness: float | None
    start_day: date | None


@dataclass(frozen=True)
class Size:
    """The latest row of `analytics.library_growth`."""

    liked_tracks: int
    saved_albums: int


@dataclass(frozen=True)
class Library:
    """Everything that the page shows."""

    checks: list[Check]
    plays: list[LatestPlay]
    periods: list[Period]
    size: Size | None
    poll_seconds: int


def read(reader: Reader, *, poll_seconds: int) -> Library:
    """Read what the page shows."""
    plays = reader.rows(LatestPlay, "analytics.plays", LATEST_PLAYS, [LATEST])
    sizes = reader.rows(Size, "analytics.library_growth", "order by month desc limit 1")
    return Library(
        checks=health.read_checks(reader),
        plays=plays,
        periods=reader.rows(Period, "analytics.listening_summary"),
        size=sizes[0] if sizes else None,
        poll_seconds=poll_seconds,
    )


def page(found: Library, frame: Frame) -> Page:
    """Return the page."""
    lines = [
        frame.menu(LIBRARY),
        "",
        "# Library",
        "",
        *_health(found, frame),
        *_plays(found, frame),
        *_listening(found),
        *_size(found, frame),
        *(["## Health", "", *checks_table(found.checks, frame)] if found.checks else []),
    ]
    return Page(LIBRARY, "Library: your music, and whether all is well", "\n".join(lines) + "\n")


def _health(found: Library, frame: Frame) -> list[str]:
    return [
        f"{state_sign(health.state_of(found.checks))} **{escape(health.headline(found.checks))}**",
        "",
        _age(found, frame),
        "",
    ]


def _age(found: Library, frame: Frame) -> str:
    wait = max(SHORTEST_OLD, timedelta(seconds=OLD_AFTER_POLLS * found.poll_seconds))
    hours = counted(round(wait.total_seconds() / 3600), "hour")
    return (
        f"As of {moment(frame.now, frame.zone)}. Every poll renews this page: if that time is more than"
        f" {hours} ago, nothing runs any more, and `tracker up` starts it again."
    )


def _plays(found: Library, frame: Frame) -> list[str]:
    if not found.plays:
        return [
            "## Latest plays",
            "",
            NO_PLAYS,
            "",
        ]
    rows = [
        (
            cover(each.album_image_url, each.album, frame.spotify.track(each.track_id)),
            titled(each.title, frame.spotify.track(each.track_id), each.artist, each.album),
            moment(each.played_at, frame.zone),
        )
        for each in found.plays
    ]
    return ["## Latest plays", "", *table((COVER_COLUMN, "track", "played"), rows), ""]


def _listening(found: Library) -> list[str]:
    lines = periods_table(found.periods)
    return ["## Listening", "", *lines] if lines else []


def periods_table(periods: Sequence[Period]) -> list[str]:
    """Return the lines of a table of periods, none where nothing is known."""
    by_name = {each.period: each for each in periods}
    shown = [(words, by_name[period]) for period, words in PERIODS.items() if period in by_name]
    if not shown:
        return []
    rows = [
        (
            words.replace(" ", NBSP),
            number(each.play_count),
            minutes(each.minutes),
            number(each.recording_count),
            number(each.artist_count),
            number(each.days_with_plays),
            counted(each.longest_streak_days, "day"),
            share(each.skip_rate),
            share(each.completeness),
        )
        for words, each in shown
    ]
    heads = ("", "plays:", "time:", "tracks:", "artists:", "days with plays:", "longest streak:")
    return [*table((*heads, "skipped:", "record complete:"), rows), ""]


def _size(found: Library, frame: Frame) -> list[str]:
    if found.size is None:
        return []
    likes, albums = found.size.liked_tracks, found.size.saved_albums
    sizes = f"**{counted(likes, 'liked track')}** and **{counted(albums, 'saved album')}**"
    made = frame.page("Playlists", PLAYLISTS)
    return [f"In the library: {sizes}. {made} made of them keep themselves.", ""]


def checks_table(checks: Sequence[Check], frame: Frame) -> list[str]:
    """Return the lines of a table of all checks, the worst first."""
    if not checks:
        return []
    rows = [
        (
            state_sign(each.state),
            escape(each.title),
            escape(each.figure or ""),
            f"`{each.remedy}`" if each.remedy else "",
            moment(each.noticed_at, frame.zone) if each.noticed_at else "",
        )
        for each in checks
    ]
    checked = moment(checks[0].checked_at, frame.zone)
    heads = ("", "what", "how it is", "what to do", "since")
    return [f"Checked {checked}.", "", *table(heads, rows), ""]
