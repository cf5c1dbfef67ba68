"""What a Spotify account consists of, as plain dataclasses.

Ids are 22 characters of base62, times are aware UTC datetimes, durations are milliseconds. Fields marked
`NOT_STORED` are conveniences of a running server and are not kept in its home folder.
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  the storage reads the annotations at run time
from typing import Any, Final, Literal

NOT_STORED: Final[dict[str, Any]] = {"stored": False}

REAL_SCOPES: Final = (
    *("user-library-read", "user-library-modify", "user-read-recently-played", "user-top-read"),
    *("user-read-private", "user-read-email", "user-follow-read", "user-follow-modify"),
    *("user-read-playback-state", "user-modify-playback-state", "user-read-currently-playing"),
    *("user-read-playback-position", "user-personalized", "app-remote-control", "streaming"),
    *("playlist-read-private", "playlist-read-collaborative"),
    *("playlist-modify-private", "playlist-modify-public", "ugc-image-upload"),
    *("user-soa-link", "user-soa-unlink"),
    *("soa-manage-entitlements", "soa-manage-partner", "soa-create-partner"),
)
ALL_SCOPES: Final = " ".join(REAL_SCOPES)


@dataclass(slots=True)
class Artist:
    """An artist; `popularity` and `followers` are shown in legacy mode alone."""

    id: str
    name: str
    genres: list[str] = field(default_factory=list)
    popularity: int = 40
    followers: int = 1_000


@dataclass(slots=True)
class Album:
    """An edition of an album; `release_date` is a year, a month or a day, and so tells its precision."""

    id: str
    name: str
    artist_ids: list[str]
    track_ids: list[str] = field(default_factory=list)
    album_type: str = "album"
    release_date: str = "2020-01-01"
    label: str = "Sandbox Records"
    popularity: int = 40
    upc: str | None = None

    @property
    def release_precision(self) -> str:
        """`year`, `month` or `day`."""
        return {4: "year", 7: "month"}.get(len(self.release_date), "day")


@dataclass(slots=True)
class Track:
    """A track on an album.

    `is_playable` and `restriction` (market, product, explicit) show only where `market` is sent; then
    `relinked_to` names the track that is returned in its place. `is_gone`: 404 when asked for by id,
    refused when added to a playlist.
    """

    id: str
    name: str
    album_id: str
    artist_ids: list[str]
    duration_ms: int = 200_000
    isrc: str | None = None
    explicit: bool = False
    disc_number: int = 1
    track_number: int = 1
    popularity: int = 40
    is_playable: bool = True
    restriction: str = "market"
    relinked_to: str | None = None
    is_gone: bool = False

    @property
    def uri(self) -> str:
        """`spotify:track:<id>`."""
        return f"spotify:track:{self.id}"


@dataclass(slots=True)
class Episode:
    """A podcast episode."""

    id: str
    name: str
    show_name: str
    duration_ms: int = 1_800_000

    @property
    def uri(self) -> str:
        """`spotify:episode:<id>`."""
        return f"spotify:episode:{self.id}"


@dataclass(slots=True)
class Chapter:
    """A chapter of an audiobook."""

    id: str
    name: str
    book_name: str
    author_name: str
    duration_ms: int = 1_800_000

    @property
    def uri(self) -> str:
        """`spotify:episode:<id>`: Spotify counts chapters among the episodes."""
        return f"spotify:episode:{self.id}"


@dataclass(slots=True)
class Like:
    """A liked track; `added_at` has second precision."""

    track_id: str
    added_at: datetime


@dataclass(slots=True)
class SavedAlbum:
    """A saved album; `added_at` has second precision. `is_null`: the list names no album with the date."""

    album_id: str
    added_at: datetime
    is_null: bool = False


@dataclass(slots=True)
class SavedOther:
    """What else is saved or followed: an episode, a show, an audiobook, a user."""

    uri: str
    added_at: datetime


@dataclass(slots=True)
class Play:
    """One listening event as it truly happened, however short; the export is written from these.

    `uri` is a track, an episode or a local file; `uploaded_at` is when Spotify heard of an offline play.
    """

    uri: str
    ended_at: datetime
    ms_played: int
    reason_start: str = "trackdone"
    reason_end: str = "trackdone"
    is_skipped: bool = False
    is_shuffled: bool = False
    is_offline: bool = False
    is_incognito: bool = False
    is_video: bool = False
    platform: str = "android"
    uploaded_at: datetime | None = None


@dataclass(slots=True)
class Report:
    """One entry of recently-played: `played_at` as stamped (ms), shown from `visible_at` on.

    A true play has none (short, private, an episode), one, or several (double reports).
    """

    track_id: str
    played_at: datetime
    visible_at: datetime
    context_uri: str | None = None


@dataclass(slots=True)
class Entry:
    """An entry of a playlist; `uri` None is a null item, local files have `spotify:local:` uris."""

    uri: str | None
    added_at: datetime | None = None
    added_by: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a file on the user's device."""
        return self.uri is not None and self.uri.startswith("spotify:local:")


@dataclass(slots=True)
class Version:
    """What a playlist was after a write: for stale reads, and for edits that name an older snapshot."""

    written_at: float
    snapshot_id: str
    entries: list[Entry]


@dataclass(slots=True)
class Playlist:
    """A playlist. `version` counts every change, of items and of details, and makes the snapshot id.

    `is_in_library` False is what Spotify calls deleted: readable by id, absent from the user's list.
    `description` is kept as Spotify returns it: HTML-escaped.
    `is_null_in_list`: the user's list holds null in its place.
    """

    id: str
    name: str
    owner_id: str
    entries: list[Entry] = field(default_factory=list)
    description: str | None = None
    is_public: bool = True
    is_collaborative: bool = False
    is_in_library: bool = True
    is_null_in_list: bool = False
    version: int = 1
    versions: list[Version] = field(default_factory=list, repr=False, compare=False, metadata=NOT_STORED)

    @property
    def snapshot_id(self) -> str:
        """The snapshot id of the newest version."""
        return self.snapshot_of(self.version)

    @property
    def uris(self) -> list[str | None]:
        """The ordered uris, null items as None."""
        return [entry.uri for entry in self.entries]

    def snapshot_of(self, version: int, salt: str = "") -> str:
        """The snapshot id of a version; a `salt` gives one of the odd ids seen while a write settles."""
        digest = hashlib.sha1(f"{self.id}{version}{salt}".encode(), usedforsecurity=False).hexdigest()
        return base64.b64encode(f"{version},{digest}".encode()).decode()

    def remember(self) -> None:
        """Keep the present content as the newest version."""
        self.versions.append(Version(time.monotonic(), self.snapshot_id, list(self.entries)))
        del self.versions[:-24]

    def change(self, entries: list[Entry] | None = None) -> str:
        """Make a new version, with these entries if given; returns its snapshot id."""
        if not self.versions:
            self.remember()
        if entries is not None:
            self.entries = entries
        self.version += 1
        self.remember()
        return self.snapshot_id


@dataclass(slots=True)
class Profile:
    """The account's owner. `id` is the old user name, `account_id` the new pseudonymous one."""

    id: str = "sandbox-listener"
    account_id: str = "sandbox-account-0001"
    display_name: str = "Sandbox Listener"
    country: str = "DE"
    email: str = "listener@sandbox.invalid"
    product: str = "premium"


@dataclass(slots=True)
class Options:
    """How the server behaves where Spotify is known to vary. Change them at any time.

    * `snapshot_lag_s`: for so long after a write reads show the old snapshot id; with
      `has_intermediate_snapshots` ids never seen before or after.
    * `items_lag_s`: for so long after a write reads show the old entries.
    * `tie_order` of likes that share an `added_at`: `per_change` (new at each change of the library),
      `per_request` (a listing may then repeat one and miss another), `stable`.
    * `album_order`: `added` or `listened` (both newest first).
    * `recently_played_order`: `played_at`, or `arrival` (late offline plays on top).
    * `granted_scopes`: what the user grants on the consent page, whatever was asked for.
    """

    snapshot_lag_s: float = 0.0
    has_intermediate_snapshots: bool = False
    items_lag_s: float = 0.0
    tie_order: Literal["per_change", "per_request", "stable"] = "per_change"
    album_order: Literal["added", "listened"] = "added"
    recently_played_order: Literal["played_at", "arrival"] = "played_at"
    granted_scopes: list[str] | None = None
    redirect_uris: list[str] = field(
        default_factory=lambda: ["http://127.0.0.1/callback", "http://[::1]/callback"]
    )
    playlist_limit: int = 10_000
