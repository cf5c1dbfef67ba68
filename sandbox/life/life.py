"""Simulates the habits of the account's owner: favourites, phases, seasons, skips, likes and un-likes.

Each day is planned as a whole, with a random generator of its own, and its events happen as time passes. So
it does not matter whether time moves in one step or in many. Days are counted from `born`: the same seed and
the same `born` give the same life.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence  # noqa: TC003  the storage reads the annotations at run time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Final

from sandbox.account.model import NOT_STORED, Play, Report
from sandbox.life.taste import SessionQueue, Taste, affinity
from sandbox.life.world import World

if TYPE_CHECKING:
    from sandbox.account.account import Account
    from sandbox.account.model import Track

DAY: Final = timedelta(days=1)
MINIMUM_REPORTED_MS: Final = 30_000
HOURS_WEEKDAY: Final = (1, 0, 0, 0, 0, 1, 6, 14, 10, 6, 5, 5, 7, 5, 4, 4, 6, 12, 14, 11, 12, 12, 8, 4)
HOURS_WEEKEND: Final = (4, 3, 1, 0, 0, 0, 1, 2, 5, 9, 12, 12, 10, 8, 8, 9, 9, 10, 11, 10, 11, 12, 10, 7)
SEASON_DEPTH: Final = 0.55
MODES: Final = ("likes", "album", "artist", "discover")
MODE_WEIGHTS: Final = (42, 24, 24, 10)
PLATFORMS: Final = ("android", "android", "android", "windows", "web_player", "cast")


@dataclass
class PlannedEvent:
    """An event of the future: a play with its reports, or a change of the library (`kind` of `target`)."""

    at: datetime
    kind: str
    target: str = ""
    play: Play | None = None
    reports: list[Report] = field(default_factory=list)


@dataclass
class Life:
    """The owner's tastes and planned events. A `sandbox.account.account.Habits`.

    `known` has a weight for each artist that the owner knows. `fashions` are the artists of a phase, with the
    day on which the phase ends. `sleeve_notes` counts the tracks of an album heard to their end.
    """

    seed: int
    born: datetime
    planned_days: int = 0
    known: dict[str, float] = field(default_factory=dict)
    fashions: dict[str, int] = field(default_factory=dict)
    pending: list[PlannedEvent] = field(default_factory=list)
    sleeve_notes: dict[str, int] = field(default_factory=dict)
    by_artist: dict[str, list[str]] = field(
        default_factory=dict, repr=False, compare=False, metadata=NOT_STORED
    )
    indexed: int = field(default=0, compare=False, metadata=NOT_STORED)

    def live_until(self, account: Account, moment: datetime) -> None:
        """Let all events until `moment` happen. Each day is planned when it begins."""
        while True:
            day = self.born + self.planned_days * DAY
            self._apply_due_events(account, min(moment, day))
            if day > moment:
                return
            DayPlan(self, account, day).make()
            self.planned_days += 1

    def tracks_by_artist(self, account: Account) -> dict[str, list[str]]:
        """Return the ids of the catalogue's tracks by first artist.

        The result is cached until the catalogue grows.
        """
        if self.indexed != len(account.tracks):
            self.by_artist = {}
            for track in account.tracks.values():
                self.by_artist.setdefault(track.artist_ids[0], []).append(track.id)
            self.indexed = len(account.tracks)
        return self.by_artist

    def _apply_due_events(self, account: Account, moment: datetime) -> None:
        due = bisect(self.pending, moment, key=lambda one: one.at)
        for event in self.pending[:due]:
            apply_event(account, event)
        del self.pending[:due]
        if due:
            account.mark_changed("life")


def apply_event(account: Account, event: PlannedEvent) -> None:
    """Apply a planned event to the account. An event that has become impossible meanwhile is skipped."""
    target, at = event.target, event.at
    match event.kind:
        case "play":
            account.record(event.play, *event.reports)
        case "like":
            account.like(target, at)
        case "unlike":
            account.unlike(target)
        case "save":
            account.save_album(target, at)
        case "unsave":
            account.unsave_album(target)
        case "availability":
            track = account.tracks[target]
            track.is_playable = not track.is_playable
            account.mark_changed("tracks", target)
        case "release":
            world = World(account, int(at.timestamp()), at.date())
            world.recordings = len(account.tracks)
            world.add_album(account.artists[target], 4 + int(at.timestamp()) % 8, released=at.date())
        case "collect":
            own = [one for one in account.playlists.values() if one.owner_id == account.profile.id]
            if own and own[0].is_in_library:
                account.edit_playlist(own[0].id, [*own[0].uris, f"spotify:track:{target}"])


class DayPlan:
    """Plans the events of one day."""

    def __init__(self, life: Life, account: Account, day: datetime) -> None:
        self.life = life
        self.account = account
        self.day = day
        self.number = life.planned_days
        self.rng = Random(f"day {life.seed} {self.number}")
        self.events: list[PlannedEvent] = []
        self.liked = set(account.liked_ids)

    def make(self) -> None:
        """Plan the day and append its events to `life.pending`."""
        self._follow_fashion()
        self._listen()
        self._tend_library()
        self.events.sort(key=lambda one: one.at)
        self.life.pending += self.events
        self.account.mark_changed("life")

    # -- tastes

    def _follow_fashion(self) -> None:
        life, rng = self.life, self.rng
        life.fashions = {one: until for one, until in life.fashions.items() if until > self.number}
        if len(life.fashions) < 2 and rng.random() < 0.15 and life.known:  # noqa: PLR2004
            chosen = rng.choice(list(life.known))
            life.fashions[chosen] = self.number + rng.randint(12, 45)
            life.known[chosen] *= 1.25
        if rng.random() < 0.08:  # noqa: PLR2004
            life.known.setdefault(rng.choice(list(self.account.artists)), 0.4 + rng.random())

    def _taste(self) -> Taste:
        """The taste of the day: known artists weigh more in their genre's season, much more in fashion."""
        season = 2 * math.pi * self.day.timetuple().tm_yday / 365
        artists = list(self.life.known)
        weights = []
        for artist_id in artists:
            genres = self.account.artists[artist_id].genres
            peak = 2 * math.pi * (sum(map(ord, genres[0])) % 12) / 12 if genres else 0.0
            weight = self.life.known[artist_id] * (1 + SEASON_DEPTH * math.cos(season - peak))
            weights.append(weight * (14 if artist_id in self.life.fashions else 1))
        return Taste(
            self.life.seed,
            artists,
            list(accumulate(weights)),
            set(self.life.fashions),
            self.life.tracks_by_artist(self.account),
        )

    # -- listening

    def _listen(self) -> None:
        rng = self.rng
        is_weekend = self.day.weekday() >= 5  # noqa: PLR2004
        if self.number % 173 in range(150, 159):
            return  # a week without music, about twice a year
        sessions = round(rng.gauss(3.1 if is_weekend else 2.6, 1.1))
        hours = HOURS_WEEKEND if is_weekend else HOURS_WEEKDAY
        taste = self._taste()
        is_offline_day = rng.random() < 0.04  # noqa: PLR2004
        starts = sorted(
            self.day + timedelta(hours=rng.choices(range(24), hours)[0], seconds=rng.randrange(3600))
            for _ in range(max(0, sessions))
        )
        free_from = self.day
        online_at: datetime | None = None
        for start in starts:
            mode = rng.choices(MODES, MODE_WEIGHTS)[0]
            queue = SessionQueue(self.account, taste, mode, rng).tracks()
            if is_offline_day:
                # the device uploads all offline plays at once when it is online again
                back_online = start + timedelta(hours=rng.uniform(5, 50))
                online_at = online_at or back_online
            begins = max(start, free_from)
            uploaded = online_at if online_at and begins < online_at else None
            free_from = self._session(begins, queue, mode, uploaded)
        if not is_weekend and rng.random() < 0.12 and self.account.episodes:  # noqa: PLR2004
            self._podcast(max(free_from, self.day + timedelta(hours=7, minutes=rng.randrange(60))))

    def _session(
        self, start: datetime, queue: Sequence[Track], mode: str, uploaded_at: datetime | None
    ) -> datetime:
        """Plan the plays of a queue, and return the time at which the session ends."""
        rng = self.rng
        is_incognito = rng.random() < 0.012  # noqa: PLR2004
        platform = rng.choice(PLATFORMS)
        at = start
        for place, track in enumerate(queue):
            love = affinity(self.life.seed, track.id)
            skip_chance = (0.6 if mode == "discover" else 0.38) * (1 - love)
            ms_played, reason_end = track.duration_ms, "trackdone"
            if not track.is_playable and rng.random() < 0.9:  # noqa: PLR2004
                continue
            if rng.random() < skip_chance:
                short = rng.randint(900, 28_000)
                longer = int(track.duration_ms * rng.uniform(0.15, 0.8))
                ms_played, reason_end = (short if rng.random() < 0.75 else longer), "fwdbtn"  # noqa: PLR2004
            elif place == len(queue) - 1 and rng.random() < 0.4:  # noqa: PLR2004
                ms_played, reason_end = int(track.duration_ms * rng.uniform(0.2, 0.95)), "endplay"
            ms_played = min(ms_played, track.duration_ms)
            at += timedelta(milliseconds=ms_played + rng.randint(0, 1200))
            # Spotify plays the relinked track, and shows that one in the history and in exports
            played = self.account.tracks.get(track.relinked_to or "", track)
            self._play(
                Play(
                    played.uri,
                    at,
                    ms_played,
                    reason_start="clickrow" if place == 0 else "trackdone",
                    reason_end=reason_end,
                    is_skipped=reason_end == "fwdbtn",
                    is_shuffled=mode == "likes",
                    is_offline=uploaded_at is not None,
                    is_incognito=is_incognito,
                    is_video=rng.random() < 0.004,  # noqa: PLR2004
                    platform=platform,
                    uploaded_at=max(uploaded_at, at) if uploaded_at else None,
                ),
                f"spotify:album:{track.album_id}" if mode == "album" else None,
            )
            self._react(track, love, ms_played, at)
        return at + timedelta(minutes=1)

    def _play(self, play: Play, context_uri: str | None) -> None:
        """Plan a play with its entries of recently-played: none, one, or rarely two."""
        reports = []
        if play.ms_played >= MINIMUM_REPORTED_MS and not play.is_incognito:
            stamp = play.ended_at - timedelta(milliseconds=self.rng.randint(0, 900))
            reports.append(self.account.report_of(play, stamp, context_uri))
            if self.rng.random() < 0.004:  # noqa: PLR2004
                second_stamp = stamp + timedelta(seconds=self.rng.randint(15, 110))
                reports.append(self.account.report_of(play, second_stamp, context_uri))
        self.events.append(PlannedEvent(play.ended_at, "play", play=play, reports=reports))

    def _podcast(self, start: datetime) -> None:
        episode = self.rng.choice(list(self.account.episodes.values()))
        heard_ms = int(episode.duration_ms * self.rng.uniform(0.3, 1.0))
        self._play_unreported(Play(episode.uri, start + timedelta(milliseconds=heard_ms), heard_ms))

    def _play_unreported(self, play: Play) -> None:
        self.events.append(PlannedEvent(play.ended_at, "play", play=play))

    def _react(self, track: Track, love: float, ms_played: int, at: datetime) -> None:
        """Like a track heard to its end, or save an album heard often enough, each with some chance."""
        if ms_played < track.duration_ms * 0.8:
            return
        notes, rng = self.life.sleeve_notes, self.rng
        notes[track.album_id] = notes.get(track.album_id, 0) + 1
        if track.id not in self.liked and rng.random() < 0.31 * love**2:
            self.liked.add(track.id)
            self.events.append(PlannedEvent(at + timedelta(seconds=5), "like", track.id))
        is_heard = notes[track.album_id] > len(self.account.albums[track.album_id].track_ids)
        if is_heard and rng.random() < 0.0034:  # noqa: PLR2004
            notes[track.album_id] = 0
            if track.album_id not in self.account.saved_album_ids:
                self.events.append(PlannedEvent(at + timedelta(seconds=20), "save", track.album_id))

    # -- the library

    def _some_time(self) -> datetime:
        return self.day + timedelta(hours=self.rng.uniform(8, 23))

    def _plan(self, chance: float, kind: str, targets: Sequence[str]) -> None:
        if targets and self.rng.random() < chance:
            self.events.append(PlannedEvent(self._some_time(), kind, self.rng.choice(targets)))

    def _tend_library(self) -> None:
        """Plan events that need no listening: un-likes, a shared list liked at once, new releases."""
        account, rng = self.account, self.rng
        liked = account.liked_ids
        self._plan(0.13, "unlike", liked)
        self._plan(0.012, "unsave", account.saved_album_ids)
        self._plan(0.3, "availability", list(account.tracks))
        self._plan(0.07, "release", list(self.life.known))
        self._plan(0.15, "collect", liked)
        if rng.random() < 0.03 and liked:  # noqa: PLR2004
            # an un-like and a new like: the same track with a new date
            moment, track_id = self._some_time(), rng.choice(liked)
            self.events.append(PlannedEvent(moment, "unlike", track_id))
            self.events.append(PlannedEvent(moment + timedelta(seconds=40), "like", track_id))
        if rng.random() < 0.004:  # noqa: PLR2004
            moment = self._some_time()
            for track_id in rng.sample(list(account.tracks), 14):
                if track_id not in self.liked:
                    self.events.append(PlannedEvent(moment, "like", track_id))
