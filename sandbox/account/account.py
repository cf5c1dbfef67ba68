"""The account: its catalogue, library, plays and playlists, and the edits that its owner makes.

Tests read and change it freely. The methods below keep the lists in order and mark what has changed, so that
a server with a home folder stores it. A test may also change the lists by hand.
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
    """Return the real time in UTC."""
    return datetime.now(UTC)


def _newest_first(saved: Like | SavedAlbum) -> float:
    return -saved.added_at.timestamp()


class Habits(Protocol):
    """Makes the owner listen and like as time passes. `sandbox.life.life.Life` is the implementation."""

    def live_until(self, account: Account, moment: datetime) -> None:
        """Write into the account everything that happens until `moment`."""


@dataclass
class Clock:
    """The account's time. It starts at `base` and either stands still or ticks with the real clock."""

    base: datetime = field(default_factory=real_now)
    is_ticking: bool = True
    anchor: datetime = field(default_factory=real_now)

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.base + (real_now() - self.anchor) if self.is_ticking else self.base

    def move_to(self, moment: datetime) -> None:
        """Set the time."""
        self.base, self.anchor = moment, real_now()


@dataclass
class Account:
    """One person's Spotify account. `likes` and `saved_albums` are served in list order, newest first."""

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
    unstored_events: list[Play | Report] = field(default_factory=list, repr=False)
    last_played: datetime | None = field(default=None, repr=False, compare=False)

    @property
    def now(self) -> datetime:
        """The simulated time, never before the last play: plays "now" are put a millisecond apart."""
        now = self.clock.now()
        if self.clock.is_ticking and self.last_played and now < self.last_played < now + AT_ONCE:
            return self.last_played
        return now

    def mark_changed(self, kind: str, key: str = "") -> None:
        """Mark something as changed: it is stored before the change is acknowledged."""
        self.changes[kind, key] = None

    def mark_stored(self) -> None:
        """Clear the marks of change, because everything is stored or nothing ever will be."""
        self.changes.clear()
        self.unstored_events.clear()

    def advance(self, hours: float) -> None:
        """Let so many hours pass: the owner listens, likes and un-likes by habit."""
        self.advance_to(self.now + timedelta(hours=hours))

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until `moment`. Without habits (`life` is None) nothing happens meanwhile."""
        if self.life is not None:
            self.life.live_until(self, moment)
        self.clock.move_to(moment)
        self.mark_changed("clock")

    # -- catalogue

    def add_artist(self, artist: Artist) -> Artist:
        """Add an artist to the catalogue."""
        self.artists[artist.id] = artist
        self.mark_changed("artists", artist.id)
        return artist

    def add_album(self, album: Album, tracks: Iterable[Track] = ()) -> Album:
        """Add an album and its tracks to the catalogue. The tracks' ids are appended to the album."""
        self.albums[album.id] = album
        self.mark_changed("albums", album.id)
        for track in tracks:
            album.track_ids.append(track.id)
            self.add_track(track)
        return album

    def add_track(self, track: Track) -> Track:
        """Add a track to the catalogue. Its album lists it only if `album.track_ids` does."""
        self.tracks[track.id] = track
        self.mark_changed("tracks", track.id)
        return track

    def add_episode(self, episode: Episode) -> Episode:
        """Add an episode to the catalogue."""
        self.episodes[episode.id] = episode
        self.mark_changed("episodes", episode.id)
        return episode

    def add_chapter(self, chapter: Chapter) -> Chapter:
        """Add a chapter of an audiobook to the catalogue."""
        self.chapters[chapter.id] = chapter
        self.mark_changed("chapters", chapter.id)
        return chapter

    # -- library

    @property
    def liked_ids(self) -> list[str]:
        """The ids of the liked tracks, newest first."""
        return [like.track_id for like in self.likes]

    @property
    def saved_album_ids(self) -> list[str]:
        """The ids of the saved albums, newest first."""
        return [saved.album_id for saved in self.saved_albums]

    def like(self, track_id: str, at: datetime | None = None) -> Like:
        """Like a track. A liked track gets the new date, as after an un-like and a new like."""
        moment = (at or self.now).replace(microsecond=0)
        if any(like.track_id == track_id for like in self.likes):
            self.unlike(track_id)
        like = Like(track_id, moment)
        self.likes.insert(bisect_left(self.likes, _newest_first(like), key=_newest_first), like)
        self._library_changed("likes")
        return like

    def unlike(self, track_id: str) -> None:
        """Remove a like. Nothing happens if the track is not liked."""
        self.likes[:] = [like for like in self.likes if like.track_id != track_id]
        self._library_changed("likes")

    def save_album(self, album_id: str, at: datetime | None = None) -> SavedAlbum:
        """Save an album without liking its tracks. A saved album gets the new date."""
        moment = (at or self.now).replace(microsecond=0)
        self.unsave_album(album_id)
        saved = SavedAlbum(album_id, moment)
        self.saved_albums.insert(
            bisect_left(self.saved_albums, _newest_first(saved), key=_newest_first), saved
        )
        return saved

    def unsave_album(self, album_id: str) -> None:
        """Remove an album from the library. The likes of its tracks stay."""
        self.saved_albums[:] = [saved for saved in self.saved_albums if saved.album_id != album_id]
        self._library_changed("saved_albums")

    def save_other(self, uri: str) -> None:
        """Save or follow something other than a track, an album or a playlist."""
        if all(saved.uri != uri for saved in self.saved_others):
            self.saved_others.append(SavedOther(uri, self.now.replace(microsecond=0)))
            self.mark_changed("saved_others")

    def unsave_other(self, uri: str) -> None:
        """Undo `save_other`. Nothing happens if it was not saved."""
        self.saved_others[:] = [saved for saved in self.saved_others if saved.uri != uri]
        self.mark_changed("saved_others")

    def _library_changed(self, kind: str) -> None:
        self.library_version += 1
        self.mark_changed(kind)

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
        """Listen to a track id or a uri; the play ends `at` (default: now).

        Recently-played shows it from `visible_at` on (default: at once) if it is a track that was heard for
        at least 30 s and not incognito. `is_reported` overrides that. `details` are further fields of `Play`.
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
        """Return the entry of recently-played for a play."""
        stamp = played_at.replace(microsecond=played_at.microsecond // 1000 * 1000)
        track_id = play.uri.removeprefix("spotify:track:")
        return Report(track_id, stamp, max(stamp, play.uploaded_at or stamp), context_uri)

    def record(self, play: Play | None, *reports: Report | None) -> None:
        """Insert a play and its entries of recently-played, each in order of time."""
        if play is not None:
            insort(self.plays, play, key=lambda one: one.ended_at)
            self.unstored_events.append(play)
        for report in reports:
            if report is not None:
                insort(self.reports, report, key=lambda one: one.played_at)
                self.unstored_events.append(report)

    def _length_of(self, uri: str) -> int:
        _, _, identifier = uri.rpartition(":")
        known = self.tracks.get(identifier) or self.episodes.get(identifier) or self.chapters.get(identifier)
        return known.duration_ms if known else 180_000

    def _next_free_moment(self) -> datetime:
        # recently-played has millisecond stamps, so two plays "now" must not share one
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
        """Create a playlist with these uris (None is a null item).

        It belongs to the user unless `owner_id` is set.
        """
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
        self.mark_changed("playlists", playlist.id)
        return playlist

    def change_playlist(self, playlist: Playlist, entries: list[Entry] | None = None) -> str:
        """Make a new version of a playlist and return its snapshot id.

        `entries` None means: details changed.
        """
        snapshot_id = playlist.change(entries)
        self.mark_changed("playlists", playlist.id)
        return snapshot_id

    def edit_playlist(self, playlist_id: str, uris: Sequence[str | None]) -> str:
        """Set the playlist's entries as its owner does in the app: uris that stay keep their dates."""
        playlist = self.playlists[playlist_id]
        kept: dict[str | None, list[Entry]] = {}
        for entry in playlist.entries:
            kept.setdefault(entry.uri, []).append(entry)
        moment = self.now.replace(microsecond=0)
        entries = [kept[uri].pop(0) if kept.get(uri) else Entry(uri, moment, self.profile.id) for uri in uris]
        return self.change_playlist(playlist, entries)

    def delete_playlist(self, playlist_id: str) -> None:
        """Delete a playlist as a user does: it leaves the user's list and stays readable by id."""
        self.playlists[playlist_id].is_in_library = False
        self.mark_changed("playlists", playlist_id)

    def restore_playlist(self, playlist_id: str) -> None:
        """Put a deleted playlist back into the user's list."""
        self.playlists[playlist_id].is_in_library = True
        self.mark_changed("playlists", playlist_id)
