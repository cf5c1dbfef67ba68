"""A generated life, and the raw tables as extract fills them from what each source shows of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from extract.history import import_history
from extract.loading import pipeline
from extract.loading.tables import LIKED_TRACKS, RECENTLY_PLAYED, SAVED_ALBUMS
from profiles import simulated_time
from profiles.settings import load_settings
from sandbox.account.export import make_export
from sandbox.life.realistic import realistic_account
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session
    from sandbox.account.account import Account
    from sandbox.account.model import Report, Track

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SHOWN_AGAIN_WITHIN = timedelta(seconds=111)


@dataclass
class Telling:
    """What was told of a true play: stamps of the API (and under which id), and by which exports."""

    stamps: list[datetime] = field(default_factory=list)
    api_id: str = ""
    is_in_extended: bool = False
    is_in_account: bool = False


@dataclass
class Life:
    """An account, its library as it was loaded, and what some source has told of each of its plays."""

    account: Account
    session: Session
    days: float
    told: dict[int, Telling] = field(default_factory=dict)
    liked: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    _ends: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)

    def export(self, kind: Any, folder: Path, since: datetime, until: datetime, seed: int = 1) -> None:
        """Import an export that covers this time, with all the oddities of real ones."""
        made = make_export(self.account, kind, since=since, until=until, seed=seed)
        import_history(self.session, made.write(folder / f"{kind}-{seed}.zip"))
        for number, play in enumerate(self.account.plays):
            if since <= play.ended_at < until and play.uri.rpartition(":")[2] in self.account.tracks:
                telling = self.told.setdefault(number, Telling())
                if kind.startswith("account"):
                    telling.is_in_account = True
                else:
                    telling.is_in_extended = True

    def poll(self, since: datetime, until: datetime) -> None:
        """Load what polls in this time have seen."""
        rows = []
        for report in self.account.reports:
            if since <= report.visible_at < until:
                telling = self._telling_of(report)
                telling.stamps.append(report.played_at)
                stamp = report.played_at.isoformat()
                payload = {"track": self.payload(telling.api_id), "played_at": stamp}
                uri = f"spotify:track:{telling.api_id}"
                rows.append({"played_at": report.played_at, "track_uri": uri, "payload": payload})
        pipeline.load(self.session, "listening", {RECENTLY_PLAYED: rows})

    def like(self, track_ids: Iterable[str]) -> None:
        """Like these."""
        self.liked += track_ids
        rows = [
            {"track_id": one, "added_at": NOON - timedelta(days=400), "payload": {"track": self.payload(one)}}
            for one in self.liked
        ]
        pipeline.load(self.session, "library", {LIKED_TRACKS: rows})

    def save(self, album_ids: Iterable[str]) -> None:
        """Save these albums, which come with simplified tracks."""
        self.saved += album_ids
        rows = []
        for one in self.saved:
            tracks = [self.payload(track_id) for track_id in self.account.albums[one].track_ids]
            simplified = [
                {key: value for key, value in track.items() if key not in ("album", "external_ids")}
                for track in tracks
            ]
            album = {**tracks[0]["album"], "tracks": {"items": simplified, "total": len(tracks)}}
            added_at = NOON - timedelta(days=300)
            rows.append({"album_id": one, "added_at": added_at, "payload": {"album": album}})
        pipeline.load(self.session, "library", {SAVED_ALBUMS: rows})

    def payload(self, track_id: str) -> dict[str, Any]:
        """A track object."""
        track = self.account.tracks[track_id]
        album = self.account.albums[track.album_id]
        return {
            "id": track.id,
            "uri": track.uri,
            "type": "track",
            "name": track.name,
            "artists": self._artists(track.artist_ids),
            "duration_ms": track.duration_ms,
            "external_ids": {"isrc": track.isrc} if track.isrc else {},
            "album": {
                "id": album.id,
                "name": album.name,
                "artists": self._artists(album.artist_ids),
                "total_tracks": len(album.track_ids),
            },
        }

    def album_artist(self, track: Track) -> str:
        """The name that exports give as the artist."""
        return self.account.artists[self.account.albums[track.album_id].artist_ids[0]].name

    def _artists(self, artist_ids: list[str]) -> list[dict[str, str]]:
        return [{"id": one, "name": self.account.artists[one].name} for one in artist_ids]

    def _telling_of(self, report: Report) -> Telling:
        """Of the play that this report is of: the last one of the track that ended before its stamp."""
        if not self._ends:
            found = defaultdict(list)
            for number, play in enumerate(self.account.plays):
                found[play.uri.rpartition(":")[2]].append((play.ended_at, number))
            self._ends = dict(found)
        ends = self._ends[report.track_id]
        latest = report.played_at + timedelta(seconds=1)
        ended_at, number = ends[bisect_right(ends, latest, key=lambda one: one[0]) - 1]
        assert report.played_at - ended_at < SHOWN_AGAIN_WITHIN
        telling = self.told.setdefault(number, Telling())
        telling.api_id = telling.api_id or self._shown_id(number, report.track_id)
        return telling

    def _shown_id(self, number: int, track_id: str) -> str:
        """The id itself, and now and then that of another edition of the same recording."""
        dice = Random(f"edition {number}")
        if dice.random() >= 0.03:
            return track_id
        track = self.account.tracks[track_id]
        editions = [
            one.id for one in self.account.tracks.values() if (one.isrc, one.name) == (track.isrc, track.name)
        ]
        return dice.choice(editions)


def session_on(database: Database) -> Session:
    """A session that cannot call Spotify, with empty raw tables, in simulated time."""
    session = without_spotify(load_settings(), database)
    pipeline.ensure_tables(session)
    simulated_time.begin(database)
    return session


def live(database: Database, *, years: float, seed: int = 7) -> Life:
    """A life that ends at noon on 15 June 2026, with empty raw tables."""
    session = session_on(database)
    return Life(realistic_account(seed, years=years, now=NOON), session, years * 365)


def tell(life: Life, folder: Path, build: Callable[[], object]) -> None:
    """A library, polls with a gap, exports of two eras and of one year that overlap; a build in between."""

    def at(share: float) -> datetime:
        """So much of the life before its end."""
        return NOON - timedelta(days=round(share * life.days))

    albums = life.account.albums
    life.like(sorted(life.account.tracks)[::2])
    life.save(sorted(one for one, album in albums.items() if album.track_ids and album.name)[::7])
    life.poll(at(0.6), at(0.25))
    build()
    life.export("endsong", folder, at(1.1), at(0.5))
    life.export("extended", folder, at(0.65), at(0.3), seed=2)
    life.poll(at(0.22), at(0.01))
    life.export("account", folder, at(0.37), at(0.12), seed=3)
    life.poll(at(0.01), NOON)
    build()
