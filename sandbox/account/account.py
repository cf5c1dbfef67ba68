"""The account: its catalogue, library, plays and playlists, and the edits that its owner makes.

Tests read and change it freely. The edits below keep orders right and note what has changed, so that a
server with a home folder stores it; lists may also be changed by hand in a test.
"""

from __future__ import annotations

import html
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.account.ids import opaque_id
from sandbox.account.model import (
    Album,
    Artist,
    Chapter,
    Entry,
    Episode,
    Like,
    Options,
    Play,
    Playlist,
    Profile,
    Report,
    SavedAlbum,
    SavedOther,
    Track,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINIMUM_REPORTED_MS = 30_000
AT_ONCE = timedelta(seconds=1)


def real_now() -> datetime:
    """The real time, UTC."""
    return datetime.now(UTC)


def _newest_first(saved: Like | SavedAlbum) -> float:
    return -saved.added_at.timestamp()


class Habits(Protocol):
    """What makes the owner listen and like by themselves as time passes (`sandbox.life` has one)."""

    def live_until(self, account: Account, moment: datetime) -> None:
        """Write into the account what happens until `moment`."""


@dataclass
class Clock:
    """The account's time: standing still at `base` until moved, or ticking with the real clock from there."""

    base: datetime = field(default_factory=real_now)
    is_ticking: bool = True
    anchor: datetime = field(default_factory=real_now)

    def now(self) -> datetime:
        """The simulated time."""
        return self.base + (real_now() - self.anchor) if self.is_ticking else self.base

    def move_to(self, moment: datetime) -> None:
        """Set the time."""
        self.base, self.anchor = moment, real_now()


@dataclass
class Account:
    """One person's Spotify. `likes` and `saved_albums` are served in the lists' order: newest first."""

    profile: Profile = field(default_factory=Profile)
    options: Options = field(default_factory=Options)
    clock: Clock = field(default_factory=Clock)
    artists: dict[str, Artist] = field(default_factory=dict)
    albums: dict[str, Album] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    chapters: dict[str, Chapter] = field(default_factory=dict)
    likes: list[Like] = field(default_factory=list)
    saved_albums: list[SavedAlbum] = field(default_factory=list)
    saved_others: list[SavedOther] = field(default_factory=list)
    playlists: dict[str, Playlist] = field(default_factory=dict)
    plays: list[Play] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    life: Habits | None = None
    library_version: int = 0
    changes: dict[tuple[str, str], None] = field(default_factory=dict, repr=False)
    fresh: list[Play | Report] = field(default_factory=list, repr=False)
    last_played: datetime | None = field(default=None, repr=False, compare=False)

    @property
    def now(self) -> datetime:
        """The simulated time. Plays "now" are a millisecond apart: it is not before the last of them."""
        now = self.clock.now()
        if self.clock.is_ticking and self.last_played and now < self.last_played < now + AT_ONCE:
            return self.last_played
        return now

    def touch(self, kind: str, key: str = "") -> None:
        """Note that something has changed and is to be stored before the change is acknowledged."""
        self.changes[kind, key] = None

    def settle(self) -> None:
        """Forget what has changed: it is stored, or never will be."""
        self.changes.clear()
        self.fresh.clear()

    def advance(self, hours: float) -> None:
        """Live on for so many hours: plays by habit, likes that come and go."""
        self.advance_to(self.now + timedelta(hours=hours))

    def advance_to(self, moment: datetime) -> None:
        """Live on until then; without habits (`life` None) only time passes."""
        if self.life is not None:
            self.life.live_until(self, moment)
        self.clock.move_to(moment)
        self.touch("clock")

    # -- catalogue

    def add_artist(self, artist: Artist) -> Artist:
        """Put an artist into the catalogue."""
        self.artists[artist.id] = artist
        self.touch("artists", artist.id)
        return artist

    def add_album(self, album: Album, tracks: Iterable[Track] = ()) -> Album:
        """Put an album and its tracks into the catalogue; ids of the tracks are appended to the album."""
        self.albums[album.id] = album
        self.touch("albums", album.id)
        for track in tracks:
            album.track_ids.append(track.id)
            self.add_track(track)
        return album

    def add_track(self, track: Track) -> Track:
        """Put a track into the catalogue (its album lists it only where `album.track_ids` does)."""
        self.tracks[track.id] = track
        self.touch("tracks", track.id)
        return track

    def add_episode(self, episode: Episode) -> Episode:
        """Put an episode into the catalogue."""
        self.episodes[episode.id] = episode
        self.touch("episodes", episode.id)
        return episode

    def add_chapter(self, chapter: Chapter) -> Chapter:
        """Put a chapter of an audiobook into the catalogue."""
        self.chapters[chapter.id] = chapter
        self.touch("chapters", chapter.id)
        return chapter

    # -- library

    @property
    def liked_ids(self) -> list[str]:
        """Ids of the liked tracks, newest first."""
        return [like.track_id for like in self.likes]

    @property
    def saved_album_ids(self) -> list[str]:
        """Ids of the saved albums, newest first."""
        return [saved.album_id for saved in self.saved_albums]

    def like(self, track_id: str, at: datetime | None = None) -> Like:
        """Like a track; one that is liked gets the new date (an un-like and a re-like)."""
        moment = (at or self.now).replace(microsecond=0)
        if any(like.track_id == track_id for like in self.likes):
            self.unlike(track_id)
        like = Like(track_id, moment)
        self.likes.insert(bisect_left(self.likes, _newest_first(like), key=_newest_first), like)
        self._library_changed("likes")
        return like

    def unlike(self, track_id: str) -> None:
        """Take a like back; nothing happens where there is none."""
        self.likes[:] = [like for like in self.likes if like.track_id != track_id]
        self._library_changed("likes")

    def save_album(self, album_id: str, at: datetime | None = None) -> SavedAlbum:
        """Save an album (its tracks are not liked by that); a saved one gets the new date."""
        moment = (at or self.now).replace(microsecond=0)
        self.unsave_album(album_id)
        saved = SavedAlbum(album_id, moment)
        self.saved_albums.insert(
            bisect_left(self.saved_albums, _newest_first(saved), key=_newest_first), saved
        )
        return saved

    def unsave_album(self, album_id: str) -> None:
        """Take an album out of the library; the likes of its tracks stay."""
        self.saved_albums[:] = [saved for saved in self.saved_albums if saved.album_id != album_id]
        self._library_changed("saved_albums")

    def save_other(self, uri: str) -> None:
        """Save or follow something that is no track, no album and no playlist."""
        if all(saved.uri != uri for saved in self.saved_others):
            self.saved_others.append(SavedOther(uri, self.now.replace(microsecond=0)))
            self.touch("saved_others")

    def unsave_other(self, uri: str) -> None:
        """Take it back; nothing happens where it was not saved."""
        self.saved_others[:] = [saved for saved in self.saved_others if saved.uri != uri]
        self.touch("saved_others")

    def _library_changed(self, kind: str) -> None:
        self.library_version += 1
        self.touch(kind)

    # -- listening

    def play(
        self,
        item: str,
        at: datetime | None = None,
        *,
        ms_played: int | None = None,
        visible_at: datetime | None = None,
        is_reported: bool | None = None,
        context_uri: str | None = None,
        **details: Any,
    ) -> Play:
        """Listen to a track id or a uri, ending `at` (default: now).

        Recently-played shows it from `visible_at` (default: at once) if it is a track heard for 30 s or more,
        and not incognito; `is_reported` decides otherwise. `details` are further fields of `Play`.
        """
        uri = item if ":" in item else f"spotify:track:{item}"
        track = self.tracks.get(uri.removeprefix("spotify:track:"))
        ended_at = at or self._next_free_moment()
        heard_ms = ms_played if ms_played is not None else self._length_of(uri)
        play = Play(uri, ended_at, heard_ms, uploaded_at=visible_at, **details)
        if is_reported is None:
            is_reported = track is not None and heard_ms >= MINIMUM_REPORTED_MS and not play.is_incognito
        self.record(play, self.report_of(play, ended_at, context_uri) if is_reported else None)
        return play

    def report_of(self, play: Play, played_at: datetime, context_uri: str | None = None) -> Report:
        """What recently-played shows of a play."""
        stamp = played_at.replace(microsecond=played_at.microsecond // 1000 * 1000)
        track_id = play.uri.removeprefix("spotify:track:")
        return Report(track_id, stamp, max(stamp, play.uploaded_at or stamp), context_uri)

    def record(self, play: Play | None, *reports: Report | None) -> None:
        """Put a true event and its reports into the account, each in its place in time."""
        if play is not None:
            insort(self.plays, play, key=lambda one: one.ended_at)
            self.fresh.append(play)
        for report in reports:
            if report is not None:
                insort(self.reports, report, key=lambda one: one.played_at)
                self.fresh.append(report)

    def _length_of(self, uri: str) -> int:
        _, _, identifier = uri.rpartition(":")
        known = self.tracks.get(identifier) or self.episodes.get(identifier) or self.chapters.get(identifier)
        return known.duration_ms if known else 180_000

    def _next_free_moment(self) -> datetime:
        # the real recently-played has millisecond stamps: two plays "now" must not fall on one
        now = self.now
        last = self.plays[-1].ended_at if self.plays else now - timedelta(milliseconds=1)
        self.last_played = max(now, last + timedelta(milliseconds=1)) if last - now < AT_ONCE else now
        return self.last_played

    # -- playlists

    def add_playlist(
        self,
        name: str,
        uris: Sequence[str | None] = (),
        *,
        id: str | None = None,  # noqa: A002  Spotify's own word
        owner_id: str | None = None,
        description: str | None = None,
        is_collaborative: bool = False,
        at: datetime | None = None,
    ) -> Playlist:
        """Create a playlist with these uris (None: a null item), the user's own unless said otherwise."""
        moment = (at or self.now).replace(microsecond=0)
        owner = owner_id or self.profile.id
        playlist = Playlist(
            id or opaque_id("playlist", self.profile.id, len(self.playlists), name),
            name,
            owner,
            [Entry(uri, moment, owner) for uri in uris],
            description=None if description is None else html.escape(description),
            is_collaborative=is_collaborative,
        )
        playlist.remember()
        self.playlists[playlist.id] = playlist
        self.touch("playlists", playlist.id)
        return playlist

    def change_playlist(self, playlist: Playlist, entries: list[Entry] | None = None) -> str:
        """Give a playlist new entries (or none: only its details changed); returns the new snapshot id."""
        snapshot_id = playlist.change(entries)
        self.touch("playlists", playlist.id)
        return snapshot_id

    def edit_playlist(self, playlist_id: str, uris: Sequence[str | None]) -> str:
        """Make the playlist's entries these, as its owner does in the app: kept uris keep their dates."""
        playlist = self.playlists[playlist_id]
        kept: dict[str | None, list[Entry]] = {}
        for entry in playlist.entries:
            kept.setdefault(entry.uri, []).append(entry)
        moment = self.now.replace(microsecond=0)
        entries = [kept[uri].pop(0) if kept.get(uri) else Entry(uri, moment, self.profile.id) for uri in uris]
        return self.change_playlist(playlist, entries)

    def delete_playlist(self, playlist_id: str) -> None:
        """Delete it as a user does: it leaves the own list and stays readable by id."""
        self.playlists[playlist_id].is_in_library = False
        self.touch("playlists", playlist_id)

    def restore_playlist(self, playlist_id: str) -> None:
        """Follow it again."""
        self.playlists[playlist_id].is_in_library = True
        self.touch("playlists", playlist_id)
