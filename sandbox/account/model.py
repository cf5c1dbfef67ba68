"""The data model of a Spotify account, as plain dataclasses.

Ids are 22 characters of base62, times are aware UTC datetimes, durations are milliseconds. Fields marked
`NOT_STORED` live only in a running server and are not stored in its home folder.
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
    """An artist. `popularity` and `followers` are shown in legacy mode only."""

    id: str
    name: str
    genres: list[str] = field(default_factory=list)
    popularity: int = 40
    followers: int = 1_000


@dataclass(slots=True)
class Album:
    """One edition of an album. `release_date` is a year, a month or a day; its length gives its precision."""

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

    `is_playable` and `restriction` (market, product, explicit) are shown only if the call sends `market`;
    then the track `relinked_to` is returned instead of this one. A track that `is_gone` answers 404 by id and
    is refused by a playlist.
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
        """`spotify:episode:<id>`, because Spotify treats chapters as episodes."""
        return f"spotify:episode:{self.id}"


@dataclass(slots=True)
class Like:
    """A liked track. `added_at` has second precision."""

    track_id: str
    added_at: datetime


@dataclass(slots=True)
class SavedAlbum:
    """A saved album. `added_at` has second precision.

    With `is_null` the list shows null instead of the album.
    """

    album_id: str
    added_at: datetime
    is_null: bool = False


@dataclass(slots=True)
class SavedOther:
    """Something else that is saved or followed: an episode, a show, an audiobook, a user."""

    uri: str
    added_at: datetime


@dataclass(slots=True)
class Play:
    """One listening event as it really happened, however short. Exports are written from these.

    `uri` is a track, an episode or a local file. `uploaded_at` is when an offline play reached Spotify.
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
    """One entry of recently-played. `played_at` has millisecond precision; it is shown from `visible_at` on.

    A play has no report (too short, incognito, an episode), one, or several (Spotify reports some plays
    twice).
    """

    track_id: str
    played_at: datetime
    visible_at: datetime
    context_uri: str | None = None


@dataclass(slots=True)
class Entry:
    """An entry of a playlist. `uri` None is a null item; local files have `spotify:local:` uris."""

    uri: str | None
    added_at: datetime | None = None
    added_by: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the entry is a file on the user's device."""
        return self.uri is not None and self.uri.startswith("spotify:local:")


@dataclass(slots=True)
class Version:
    """The content of a playlist after a write. Stale reads and edits of an older snapshot use it."""

    written_at: float
    snapshot_id: str
    entries: list[Entry]


@dataclass(slots=True)
class Playlist:
    """A playlist. `version` counts every change of items or details; the snapshot id is made from it.

    `is_in_library` False is what Spotify calls deleted: readable by id, absent from the user's list.
    `description` is HTML-escaped, as Spotify returns it. With `is_null_in_list` the user's list shows null
    instead of this playlist.
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
        """The uris in order; null items are None."""
        return [entry.uri for entry in self.entries]

    def snapshot_of(self, version: int, salt: str = "") -> str:
        """Return the snapshot id of a version.

        `salt` gives one of the odd ids that show while a write settles.
        """
        digest = hashlib.sha1(f"{self.id}{version}{salt}".encode(), usedforsecurity=False).hexdigest()
        return base64.b64encode(f"{version},{digest}".encode()).decode()

    def remember(self) -> None:
        """Store the present content as the newest version. The last 24 versions are kept."""
        self.versions.append(Version(time.monotonic(), self.snapshot_id, list(self.entries)))
        del self.versions[:-24]

    def change(self, entries: list[Entry] | None = None) -> str:
        """Make a new version, with these entries if given, and return its snapshot id."""
        if not self.versions:
            self.remember()
        if entries is not None:
            self.entries = entries
        self.version += 1
        self.remember()
        return self.snapshot_id


@dataclass(slots=True)
class Profile:
    """The owner of the account. `id` is the old user name, `account_id` the new pseudonymous id."""

    id: str = "sandbox-listener"
    account_id: str = "sandbox-account-0001"
    display_name: str = "Sandbox Listener"
    country: str = "DE"
    email: str = "listener@sandbox.invalid"
    product: str = "premium"


@dataclass(slots=True)
class Options:
    """How the server behaves where Spotify's behaviour varies. The options may be changed at any time.

    * `snapshot_lag_s`: how long reads show the old snapshot id after a write; with
      `has_intermediate_snapshots` they show ids that never occur before or after.
    * `items_lag_s`: how long reads show the old entries after a write.
    * `tie_order`: the order of likes that share an `added_at`: `per_change` (a new order at each change of
      the library), `per_request` (a listing may then repeat one like and miss another), `stable`.
    * `album_order`: `added` or `listened` (both newest first).
    * `recently_played_order`: `played_at`, or `arrival` (late offline plays come first).
    * `granted_scopes`: the scopes that the user grants on the consent page; None grants what was asked for.
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
