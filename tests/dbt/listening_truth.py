"""What the listening marts should hold, in Python from listens alone: days, months, periods, the year."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.dbt.truth import is_play

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from tests.dbt.truth import Heard, Truth

Row = dict[str, Any]
Table = tuple[tuple[str, ...], dict[tuple[Any, ...], Row]]
"""The names of the key's columns, and rows by key."""

WINDOWS = (7, 30, 90, 365)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Local days, first and last included, and the name of the period that it is compared with."""

    start: date
    end: date
    before: str | None
    is_listed: bool = True


@dataclass(frozen=True)
class Thing:
    """What a listen is of."""

    recording: str
    artist: str | None
    album: str | None
    title: str
    artist_name: str | None
    album_name: str | None


@dataclass(frozen=True)
class Listen:
    """A listen with its local time and what it is of."""

    heard: Heard
    day: date
    hour: int
    thing: Thing

    @property
    def estimated_ms(self) -> int:
        """The length of the track, where nothing tells how long it was heard."""
        return (self.heard.duration_ms or 0) if self.heard.ms_played is None else 0

    @property
    def length_ms(self) -> int:
        """How long it was heard, as far as that is known."""
        return self.estimated_ms if self.heard.ms_played is None else self.heard.ms_played


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def minutes(plays: Iterable[Listen]) -> Row:
    """Minutes as marts round them."""
    listed = list(plays)
    return {
        "minutes": round(sum(one.length_ms for one in listed) / 60000 + 1e-9, 2),
        "estimated_minutes": round(sum(one.estimated_ms for one in listed) / 60000 + 1e-9, 2),
    }


def longest_run(days: Iterable[date]) -> int:
    """The most days in a row."""
    numbered = enumerate(sorted(set(days)))
    return max((len(list(run)) for _, run in groupby(numbered, lambda one: one[1] - one[0] * DAY)), default=0)


def _most_frequent(counts: Counter[Any]) -> Any:
    """The first of those that are counted most."""
    return min(counts, key=lambda one: (-counts[one], one))


@dataclass(frozen=True)
class Figures:
    """Every figure of the marts, from these listens at this moment in this zone."""

    truth: Truth
    heard: list[Heard]
    now: datetime
    zone: ZoneInfo
    complete: Mapping[date, float]

    def by_mart(self) -> dict[str, Table]:
        """The rows of each mart."""
        return {
            "calendar": (("local_date",), self._calendar()),
            "listening_by_hour": (("weekday", "hour"), self._hours()),
            "listening_by_month": (("month",), self._months()),
            "discoveries": (("month",), self._discoveries()),
            "top_artist_by_month": (("month",), self._artist_by_month()),
            "listening_streaks": (("start_day",), self._streaks()),
            "listening_summary": (("period",), self._summary()),
            "top_tracks": (("period", "recording_id"), self._top(lambda one: one.recording)),
            "top_artists": (("period", "artist_key"), self._top(lambda one: one.artist)),
            "top_albums": (("period", "album_key"), self._top(lambda one: one.album)),
            "year_in_review": (("year",), self._years()),
            "library_growth": (("month",), self._growth()),
        }

    # -- listens, what they are of, and periods

    @cached_property
    def today(self) -> date:
        """The person's day."""
        return self.now.astimezone(self.zone).date()

    @cached_property
    def listens(self) -> list[Listen]:
        """All of them, in time."""
        found = []
        for one in sorted(self.heard, key=lambda one: one.played_at):
            if one.played_at <= self.now:
                local = one.played_at.astimezone(self.zone)
                found.append(Listen(one, local.date(), local.hour, self._thing(one)))
        return found

    @cached_property
    def plays(self) -> list[Listen]:
        """Those that count."""
        return [one for one in self.listens if is_play(one.heard)]

    def _thing(self, one: Heard) -> Thing:
        if one.track_id is None:
            name = f"name:{one.title}|{one.artist}"
            return Thing(name, f"name:{one.artist}", None, one.title, one.artist, None)
        title, artist = self.truth.names[one.track_id]
        artist_id, album_id = self._ids(one.track_id)
        album, album_artist = self._album_names(one.track_id)
        return Thing(
            self.truth.recordings[one.track_id],
            artist_id or f"name:{artist}",
            album_id or (f"name:{album_artist}|{album}" if album else None),
            title,
            artist,
            album,
        )

    def _album_names(self, track_id: str) -> tuple[str, str]:
        account = self.truth.life.account
        album = account.albums[account.tracks[track_id].album_id]
        return album.name, account.artists[album.artist_ids[0]].name

    @cached_property
    def _known_ids(self) -> tuple[dict[str, set[str]], dict[tuple[str, str], set[str]]]:
        artists, albums = defaultdict(set), defaultdict(set)
        for one in self.truth.described:
            track = self.truth.life.account.tracks[one]
            artists[self.truth.names[one][1]].add(track.artist_ids[0])
            albums[self._album_names(one)].add(track.album_id)
        return dict(artists), dict(albums)

    def _ids(self, track_id: str) -> tuple[str | None, str | None]:
        """Of artist and album; an export tells none, and then the only ones of the name are meant.

        An album that was taken down has an empty name, and then nothing of it counts as told.
        """
        if track_id in self.truth.described:
            track = self.truth.life.account.tracks[track_id]
            return track.artist_ids[0], track.album_id if self._album_names(track_id)[0] else None
        artists = self._known_ids[0].get(self.truth.names[track_id][1], set())
        albums = self._known_ids[1].get(self._album_names(track_id), set())
        return (
            next(iter(artists)) if len(artists) == 1 else None,
            next(iter(albums)) if len(albums) == 1 else None,
        )

    @cached_property
    def periods(self) -> dict[str, Period]:
        """By name, the windows before the windows too."""
        found = {}
        for days in WINDOWS:
            start = self.today - timedelta(days=days - 1)
            found[f"{days}d"] = Period(start, self.today, f"before_{days}d")
            found[f"before_{days}d"] = Period(start - timedelta(days=days), start - DAY, None, False)
        first = self.plays[0].day
        for year in range(first.year, self.today.year + 1):
            end = min(date(year, 12, 31), self.today)
            found[str(year)] = Period(date(year, 1, 1), end, str(year - 1))
        found["all"] = Period(month_of(first), self.today, None)
        return found

    @cached_property
    def days(self) -> list[date]:
        """Every day since the first play."""
        first = self.plays[0].day
        return [first + timedelta(days=number) for number in range((self.today - first).days + 1)]

    def _completeness(self, start: date, end: date) -> float | None:
        known = [self.complete[day] for day in self.days if start <= day <= end and day in self.complete]
        return sum(known) / len(known) if known else None

    def _in(self, period: Period | None, listens: list[Listen]) -> list[Listen]:
        return [one for one in listens if period and period.start <= one.day <= period.end]

    @staticmethod
    def _skip_rate(listens: Iterable[Listen]) -> float | None:
        ends = [one.heard.is_skipped for one in listens if one.heard.is_skipped is not None]
        return sum(ends) / len(ends) if ends else None

    @staticmethod
    def _different(plays: list[Listen]) -> Row:
        return {
            "recording_count": len({one.thing.recording for one in plays}),
            "artist_count": len({one.thing.artist for one in plays}),
            "album_count": len({one.thing.album for one in plays} - {None}),
        }

    # -- the marts

    def _calendar(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        plays, listens = defaultdict(list), defaultdict(list)
        for one in self.plays:
            plays[one.day].append(one)
        for one in self.listens:
            listens[one.day].append(one)
        for day in self.days:
            skips = sum(bool(one.heard.is_skipped) for one in listens[day])
            tracks = [one for one in plays[day] if one.heard.track_id]
            found[day,] = {
                "weekday": day.isoweekday(),
                "iso_week": day.isocalendar().week,
                "month": month_of(day),
                "play_count": len(plays[day]),
                "recording_count": len({one.thing.recording for one in tracks}),
                "skip_count": skips if plays[day] else 0,
                "is_silent": not plays[day],
                "completeness": self.complete.get(day),
                **minutes(plays[day]),
            }
        return found

    def _hours(self) -> dict[tuple[Any, ...], Row]:
        since = self.periods["365d"].start
        found = {}
        for weekday in range(1, 8):
            for hour in range(24):
                plays = [one for one in self.plays if (one.day.isoweekday(), one.hour) == (weekday, hour)]
                found[weekday, hour] = {
                    "play_count": len(plays),
                    "plays_365d": sum(one.day >= since for one in plays),
                    "share": len(plays) / len(self.plays),
                    **minutes(plays),
                }
        return found

    def _months(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        for month in sorted({month_of(day) for day in self.days}):
            plays = [one for one in self.plays if month_of(one.day) == month]
            days = [day for day in self.days if month_of(day) == month]
            found[month,] = {
                "play_count": len(plays),
                "days_with_plays": len({one.day for one in plays}),
                "skip_rate": self._skip_rate(one for one in self.listens if month_of(one.day) == month),
                "completeness": self._completeness(days[0], days[-1]),
                **self._different(plays),
                **minutes(plays),
            }
        return found

    def _discoveries(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        known: dict[str, set[Hashable]] = {"recording": set(), "artist": set()}
        for month in sorted({month_of(day) for day in self.days}):
            row: Row = {}
            for kind, before in list(known.items()):
                heard = {getattr(one.thing, kind) for one in self.plays if month_of(one.day) == month}
                row[f"{kind}_count"] = len(heard)
                row[f"new_{kind}s"] = len(heard - before)
                row[f"new_{kind}_share"] = len(heard - before) / len(heard) if heard else None
                known[kind] = before | heard
            found[month,] = row
        return found

    def _artist_by_month(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        for month in sorted({month_of(one.day) for one in self.plays}):
            plays = [one for one in self.plays if month_of(one.day) == month]
            first = self._ranking(plays, lambda one: one.artist)[0]
            own = [one for one in plays if one.thing.artist == first]
            found[month,] = {
                "artist_key": first,
                "play_count": len(own),
                "share": len(own) / len(plays),
                **minutes(own),
            }
        return found

    @staticmethod
    def _ranking(plays: list[Listen], key: Callable[[Thing], str | None]) -> list[str]:
        """Keys by plays, then time, then their own order."""
        counts: Counter[str] = Counter()
        lengths: Counter[str] = Counter()
        for one in plays:
            name = key(one.thing)
            if name is not None:
                counts[name] += 1
                lengths[name] += one.length_ms
        return sorted(counts, key=lambda name: (-counts[name], -lengths[name], name.encode()))

    def _streaks(self) -> dict[tuple[Any, ...], Row]:
        days = sorted({one.day for one in self.plays})
        counts = Counter(one.day for one in self.plays)
        found = {}
        for _, run in groupby(enumerate(days), lambda one: one[1] - one[0] * DAY):
            listed = [day for _, day in run]
            found[listed[0],] = {
                "end_day": listed[-1],
                "day_count": len(listed),
                "play_count": sum(counts[day] for day in listed),
                "is_current": listed[-1] >= self.today - DAY,
            }
        return found

    def _sums(self, period: Period) -> Row:
        plays = self._in(period, self.plays)
        return {
            "play_count": len(plays),
            "days_with_plays": len({one.day for one in plays}),
            "longest_streak_days": longest_run(one.day for one in plays),
            "skip_rate": self._skip_rate(self._in(period, self.listens)),
            "completeness": self._completeness(period.start, period.end),
            **self._different(plays),
            **minutes(plays),
        }

    def _summary(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        for name, period in self.periods.items():
            if period.is_listed:
                before = self._in(self.periods.get(period.before or ""), self.plays)
                found[name,] = {
                    "start_day": period.start,
                    "end_day": period.end,
                    "day_count": (period.end - period.start).days + 1,
                    "previous_play_count": len(before),
                    "previous_minutes": minutes(before)["minutes"],
                    **self._sums(period),
                }
        return found

    def _top(self, key: Callable[[Thing], str | None]) -> dict[tuple[Any, ...], Row]:
        first_heard: dict[str | None, datetime] = {}
        for one in self.plays:
            first_heard.setdefault(key(one.thing), one.heard.played_at)
        ranks: dict[str, dict[str, int]] = {}
        found: dict[tuple[Any, ...], Row] = {}
        for name, period in self.periods.items():
            plays = defaultdict(list)
            listed = self._in(period, self.plays)
            for one in listed:
                plays[key(one.thing)].append(one)
            ranks[name] = {}
            for place, thing in enumerate(self._ranking(listed, key), 1):
                count = len(plays[thing])
                ranks[name][thing] = 1 + sum(
                    len(others) > count for other, others in plays.items() if other is not None
                )
                if period.is_listed:
                    found[name, thing] = {
                        "place": place,
                        "rank": ranks[name][thing],
                        "play_count": count,
                        "share": count / len(listed),
                        "first_heard_at": first_heard[thing],
                        "completeness": self._completeness(period.start, period.end),
                        **minutes(plays[thing]),
                    }
        for (name, thing), row in found.items():
            row["previous_rank"] = ranks.get(self.periods[name].before or "", {}).get(thing)
        return found

    def _years(self) -> dict[tuple[Any, ...], Row]:
        found = {}
        firsts: dict[str, Listen] = {}
        for one in self.plays:
            firsts.setdefault(one.thing.recording, one)
        for name, period in self.periods.items():
            if not name.isdigit():
                continue
            plays = self._in(period, self.plays)
            days, hours = Counter(one.day for one in plays), Counter(one.hour for one in plays)
            weekdays = Counter(one.day.isoweekday() for one in plays)
            first = plays[0]
            recording = self._ranking(plays, lambda one: one.recording)[0]
            artist = self._ranking(plays, lambda one: one.artist)[0]
            album = self._ranking(plays, lambda one: one.album)[0]
            found[int(name),] = {
                **self._sums(period),
                "top_track": next(one.thing.title for one in plays if one.thing.recording == recording),
                "top_artist_plays": sum(one.thing.artist == artist for one in plays),
                "top_album": next(one.thing.album_name for one in plays if one.thing.album == album),
                "top_album_plays": sum(one.thing.album == album for one in plays),
                "first_track": first.thing.title,
                "first_played_at": first.heard.played_at,
                "new_recordings": sum(one.day.year == int(name) for one in firsts.values()),
                "most_played_day": _most_frequent(days),
                "most_played_day_plays": max(days.values()),
                "favourite_hour": _most_frequent(hours),
                "favourite_weekday": _most_frequent(weekdays),
            }
        return found

    def _growth(self) -> dict[tuple[Any, ...], Row]:
        """Likes and saves of a life came at two moments."""
        life = self.truth.life
        liked_at, saved_at = (self.now - timedelta(days=days) for days in (400, 300))
        liked, saved = (month_of(at.astimezone(self.zone).date()) for at in (liked_at, saved_at))
        found = {}
        month = min(liked, saved)
        while month <= self.today:
            found[month,] = {
                "likes_added": len(set(life.liked)) * (month == liked),
                "likes_removed": 0,
                "liked_tracks": len(set(life.liked)) * (month >= liked),
                "albums_added": len(set(life.saved)) * (month == saved),
                "albums_removed": 0,
                "saved_albums": len(set(life.saved)) * (month >= saved),
            }
            month = month_of(month + timedelta(days=31))
        return found
