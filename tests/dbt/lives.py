"""A generated life, and the raw tables as extract fills them from what each source shows of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from extract import pipelines
from extract.contracts import LIKED_TRACKS, RECENTLY_PLAYED
from extract.history import import_history
from profiles.settings import load_settings
from sandbox.export import make_export
from sandbox.realistic import realistic_account

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session
    from profiles.settings import Settings
    from sandbox.account import Account
    from sandbox.model import Play

Name = tuple[str, str]
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class WithoutSpotify:
    """Settings and database of a session."""

    settings: Settings
    database: Database


@dataclass
class Life:
    """An account, and which of its plays some source has shown."""

    account: Account
    session: Session
    shown: set[int] = field(default_factory=set)
    with_length: set[int] = field(default_factory=set)

    def name_of(self, track_id: str) -> Name:
        """Title and first artist: what all editions of a recording share here."""
        track = self.account.tracks[track_id]
        return track.name, self.account.artists[track.artist_ids[0]].name

    def music(self) -> Iterable[tuple[int, Play, Name]]:
        """The true plays of music, with their numbers."""
        for number, play in enumerate(self.account.plays):
            identifier = play.uri.rpartition(":")[2]
            if identifier in self.account.tracks:
                yield number, play, self.name_of(identifier)

    def truth(self, *, is_length_needed: bool = False) -> dict[str, list[Play]]:
        """The plays that some source has shown, by title, in time."""
        found: dict[str, list[Play]] = defaultdict(list)
        numbers = self.with_length if is_length_needed else self.shown
        for number, play, name in self.music():
            if number in numbers:
                found[name[0]].append(play)
        return found

    def export(self, kind: Any, folder: Path, since: datetime, until: datetime, seed: int = 1) -> None:
        """Import an export that covers this time, with all the oddities of real ones."""
        made = make_export(self.account, kind, since=since, until=until, seed=seed)
        import_history(self.session, made.write(folder / f"{kind}-{seed}.zip"))
        for number, play, _ in self.music():
            if since <= play.ended_at < until:
                self.shown.add(number)
                self.with_length.add(number)

    def poll(self, since: datetime, until: datetime) -> None:
        """Load what polls in this time have seen."""
        reports = [one for one in self.account.reports if since <= one.visible_at < until]
        rows = [
            {
                "played_at": one.played_at,
                "track_uri": f"spotify:track:{one.track_id}",
                "payload": {"track": self.payload(one.track_id), "played_at": one.played_at.isoformat()},
            }
            for one in reports
        ]
        pipelines.load(self.session, "listening", {RECENTLY_PLAYED: rows})
        seen = {(f"spotify:track:{one.track_id}", one.played_at.timestamp()) for one in reports}
        stamps: dict[str, list[float]] = defaultdict(list)
        for uri, stamp in seen:
            stamps[uri].append(stamp)
        for number, play, _ in self.music():
            at = play.ended_at.timestamp()
            if any(-1 <= stamp - at <= 111 for stamp in stamps.get(play.uri, ())):
                self.shown.add(number)

    def like(self, track_ids: Iterable[str]) -> None:
        """Put these into the library."""
        rows = [
            {"track_id": one, "added_at": NOON - timedelta(days=400), "payload": {"track": self.payload(one)}}
            for one in track_ids
        ]
        pipelines.load(self.session, "library", {LIKED_TRACKS: rows})

    def payload(self, track_id: str) -> dict[str, Any]:
        """A track object."""
        track = self.account.tracks[track_id]
        album = self.account.albums[track.album_id]
        return {
            "id": track.id,
            "uri": track.uri,
            "type": "track",
            "name": track.name,
            "artists": [{"id": one, "name": self.account.artists[one].name} for one in track.artist_ids],
            "duration_ms": track.duration_ms,
            "external_ids": {"isrc": track.isrc} if track.isrc else {},
            "album": {"id": album.id, "name": album.name, "total_tracks": len(album.track_ids)},
        }


def live(database: Database, *, years: float, seed: int = 7) -> Life:
    """A life that ends at noon on 15 June 2026, with empty raw tables."""
    session = cast("Session", WithoutSpotify(load_settings(), database))
    pipelines.ensure_tables(session)
    return Life(realistic_account(seed, years=years, now=NOON), session)
