"""What a generated life should be told as, computed in Python from the life alone: listens, counts, dates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

    from sandbox.account.model import Play, Track
    from tests.dbt.lives import Life, Telling

TOLERANCE_MS = 2000


@dataclass(frozen=True)
class Heard:
    """A listening event as its sources tell it; `track_id` None: by a name that several recordings have."""

    title: str
    played_at: datetime
    ms_played: int | None
    track_id: str | None
    is_found_by_name: bool = False
    reason_end: str | None = None
    is_skipped: bool | None = None
    duration_ms: int | None = None
    artist: str | None = None
    ended_at: datetime | None = None


DEFINITIONS: dict[str, Callable[[Heard], bool]] = {
    "30_seconds": lambda one: (one.ms_played or 0) >= 30_000,
    "any": lambda one: (one.ms_played or 0) > 0,
    "track_done": lambda one: (
        one.reason_end == "trackdone"
        if one.reason_end
        else one.duration_ms is not None and (one.ms_played or 0) >= one.duration_ms - TOLERANCE_MS
    ),
    "half": lambda one: (
        one.reason_end == "trackdone"
        if one.duration_ms is None
        else 2 * (one.ms_played or 0) >= one.duration_ms
    ),
}


def is_play(one: Heard, definition: str = "30_seconds") -> bool:
    """Whether it counts; what is known from the API alone has no length and does under each definition."""
    return one.ms_played is None or DEFINITIONS[definition](one)


@dataclass
class Truth:
    """The true listens of a life, and its recordings as Spotify's data and names tell them."""

    life: Life

    @cached_property
    def listens(self) -> list[Heard]:
        """Every event that some source has shown, in time."""
        plays = self.life.account.plays
        found = [self._heard(plays[number], telling) for number, telling in self.life.told.items()]
        return sorted(found, key=lambda one: one.played_at)

    def _heard(self, play: Play, telling: Telling) -> Heard:
        track = self._track(play.uri.rpartition(":")[2])
        first_seen = min(telling.stamps, default=None)
        length = play.ms_played if telling.is_in_extended or telling.is_in_account else None
        if telling.is_in_extended:
            exported = play.ended_at if play.is_offline else play.ended_at.replace(microsecond=0)
            return Heard(
                track.name,
                (play.is_offline and first_seen) or exported,
                length,
                track.id,
                reason_end=play.reason_end,
                is_skipped=play.reason_end == "fwdbtn",
                duration_ms=self.durations[track.id],
                ended_at=play.ended_at,
            )
        if first_seen:
            duration_ms = self.durations[telling.api_id]
            return Heard(
                track.name,
                first_seen,
                length,
                telling.api_id,
                duration_ms=duration_ms,
                ended_at=play.ended_at,
            )
        return Heard(
            track.name,
            (play.uploaded_at or play.ended_at).replace(second=0, microsecond=0),
            length,
            named := self._named(track),
            named is not None,
            duration_ms=self.durations[named] if named else None,
            artist=self.life.album_artist(track),
            ended_at=play.ended_at,
        )

    def _track(self, track_id: str) -> Track:
        return self.life.account.tracks[track_id]

    def _named(self, track: Track) -> str | None:
        """The track of the only recording that has this name, told with the artist of the album."""
        known = self._tracks_by_name[track.name, self.life.album_artist(track)]
        return min(known) if len({self.recordings[one] for one in known}) == 1 else None

    # -- which tracks are known, and which of them are one recording

    @cached_property
    def _api_ids(self) -> set[str]:
        return {telling.api_id for telling in self.life.told.values() if telling.stamps}

    @cached_property
    def _exported(self) -> dict[str, list[Play]]:
        found = defaultdict(list)
        for number, telling in self.life.told.items():
            if telling.is_in_extended:
                play = self.life.account.plays[number]
                found[play.uri.rpartition(":")[2]].append(play)
        return dict(found)

    @cached_property
    def library(self) -> set[str]:
        """Ids of what is liked or on a saved album."""
        albums = self.life.account.albums
        return {*self.life.liked, *(one for album in self.life.saved for one in albums[album].track_ids)}

    @cached_property
    def described(self) -> set[str]:
        """Ids of tracks that Spotify's API has told of, with artists and album."""
        return self.library | self._api_ids

    @cached_property
    def durations(self) -> dict[str, int | None]:
        """Of every known track; of those that an export alone tells, streams to the end tell it."""
        found: dict[str, int | None] = {one: self._track(one).duration_ms for one in self.described}
        for one, plays in self._exported.items():
            whole = [play.ms_played for play in plays if play.reason_end == "trackdone" and play.ms_played]
            found.setdefault(one, max(sorted(set(whole)), key=whole.count, default=None))
        return found

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """Title and artist of every known track."""

        def artist(track: Track) -> str:
            is_described = track.id in self.described
            own = self.life.account.artists[track.artist_ids[0]].name
            return own if is_described else self.life.album_artist(track)

        return {one: (self._track(one).name, artist(self._track(one))) for one in self.durations}

    @cached_property
    def _tracks_by_name(self) -> dict[tuple[str, str], set[str]]:
        found = defaultdict(set)
        for one, name in self.names.items():
            found[name].add(one)
            found[name[0], self.life.album_artist(self._track(one))].add(one)
        return found

    @cached_property
    def recordings(self) -> dict[str, str]:
        """Recording by track id: by ISRC where likes or plays told it, else by name and duration."""
        told = {*self.life.liked, *self._api_ids}
        found = {one: f"isrc:{self._track(one).isrc}" for one in told}
        by_name = defaultdict(list)
        for one in told:
            by_name[self.names[one]].append((self._track(one).duration_ms, found[one]))
        rest = defaultdict(list)
        for one in self.durations.keys() - told:
            length = self.durations[one]
            near = [
                (abs(known - length), recording)
                for known, recording in by_name[self.names[one]]
                if length is not None and abs(known - length) <= TOLERANCE_MS
            ]
            if near:
                found[one] = min(near)[1]
            elif length is None:
                found[one] = f"track:{one}"
            else:
                rest[self.names[one]].append((length, one))
        for tracks in rest.values():
            for island in _islands(sorted(tracks)):
                found |= dict.fromkeys(island, f"track:{min(island)}")
        return found


def _islands(tracks: Iterable[tuple[int, str]]) -> Iterator[list[str]]:
    island: list[str] = []
    last = 0
    for length, track_id in tracks:
        if island and length - last > TOLERANCE_MS:
            yield island
            island = []
        island.append(track_id)
        last = length
    yield island


@dataclass(frozen=True)
class Columns:
    """The columns of unified_tracks that come from plays, from these listens, at this moment in this zone."""

    truth: Truth
    listens: list[Heard]
    now: datetime
    zone: ZoneInfo

    @cached_property
    def by_recording(self) -> dict[str, dict[str, Any]]:
        """Counts and dates of every recording that was heard."""
        heard = defaultdict(list)
        for one in self.listens:
            if one.track_id and one.played_at <= self.now:
                heard[self.truth.recordings[one.track_id]].append(one)
        return {recording: self._counts(listens) for recording, listens in heard.items()}

    def _counts(self, listens: list[Heard]) -> dict[str, Any]:
        plays = [one for one in listens if is_play(one)]
        today = self.now.astimezone(self.zone).date()
        days = [one.played_at.astimezone(self.zone).date() for one in plays]
        ends = [one.is_skipped for one in listens if one.is_skipped is not None]
        lengths = [one.ms_played for one in plays if one.ms_played is not None]
        windows = {
            f"plays_{length}d": sum(day > today - timedelta(days=length) for day in days)
            for length in (7, 30, 90, 365)
        }
        return {
            "play_count": len(plays),
            **windows,
            "first_played_at": min((one.played_at for one in plays), default=None),
            "last_played_at": max((one.played_at for one in plays), default=None),
            "days_played": len(set(days)),
            "max_plays_in_a_day": max(map(days.count, days), default=0),
            "skip_count": sum(ends),
            "skip_rate": sum(ends) / len(ends) if ends else None,
            "ms_played": sum(lengths) if lengths else None,
        }

    def rows(self) -> dict[str, dict[str, Any]]:
        """A row per track of the library, by its id."""
        truth, life = self.truth, self.truth.life
        by_artist, by_album = defaultdict(set), defaultdict(set)
        for one in truth.described:
            track = life.account.tracks[one]
            by_artist[track.artist_ids[0]].add(truth.recordings[one])
            by_album[track.album_id].add(truth.recordings[one])
        own_counts: dict[str, int] = defaultdict(int)
        for heard in self.listens:
            if heard.track_id and not heard.is_found_by_name and is_play(heard):
                own_counts[heard.track_id] += heard.played_at <= self.now
        tracks_of = defaultdict(list)
        for one in truth.library:
            tracks_of[life.account.tracks[one].artist_ids[0]].append(one)
        found = {}
        for one in truth.library:
            track = life.account.tracks[one]
            artist, album = by_artist[track.artist_ids[0]], by_album[track.album_id]
            size = len(life.account.albums[track.album_id].track_ids)
            found[one] = {
                **self.by_recording.get(truth.recordings[one], self._counts([])),
                "track_play_count": own_counts[one],
                "artist_play_count": self._sum(artist),
                "artist_last_played_at": self._last(artist),
                "artist_track_count": len(tracks_of[track.artist_ids[0]]),
                "album_play_count": self._sum(album),
                "album_last_played_at": self._last(album),
                "album_track_count": size,
                "album_completion": sum(self._sum([each]) > 0 for each in album) / size
                if track.album_id in life.saved
                else None,
            }
        return found

    def _sum(self, recordings: Iterable[str]) -> int:
        return sum(self.by_recording[one]["play_count"] for one in recordings if one in self.by_recording)

    def _last(self, recordings: Iterable[str]) -> datetime | None:
        known = [self.by_recording[one]["last_played_at"] for one in recordings if one in self.by_recording]
        return max((one for one in known if one), default=None)
