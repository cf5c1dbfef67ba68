"""What a push works on: entries, selections, edit scripts, facts, plans and results, all frozen.

Entries are kept as Spotify spells them: ``added_at`` stays the ISO 8601 text in UTC that the API sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from playlists.block import Mode, PlaylistBlock
    from profiles.errors import Deferred
    from profiles.settings import Settings

LOCAL_PREFIX = "spotify:local:"
"""Uris of files on the user's own disk: the API can neither add nor remove them, only move them."""

State = Literal["active", "paused", "deleted_on_spotify", "failing"]
Outcome = Literal[
    "unchanged", "planned", "pushed", "kept", "refused", "failed", "deferred", "paused", "deleted_on_spotify"
]


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One position of a playlist. ``uri`` is None where Spotify shows a null item."""

    uri: str | None
    added_at: str | None = None
    is_refused: bool = False
    """Spotify answered 400 to the removal of this uri, so it is treated like a local file."""

    @property
    def is_removable(self) -> bool:
        """Whether a DELETE by uri can take it away: not for local files and null items."""
        return self.uri is not None and not self.is_refused and not self.uri.startswith(LOCAL_PREFIX)

    def as_record(self) -> dict[str, Any]:
        """The shape kept in ``ops.playlist_pushes``; a refusal is kept until all is read again."""
        refused = {"is_refused": True} if self.is_refused else {}
        return {"uri": self.uri, "added_at": self.added_at, **refused}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> PlaylistEntry:
        """Read back what `as_record` wrote."""
        return cls(record.get("uri"), record.get("added_at"), is_refused=record.get("is_refused", False))


@dataclass(frozen=True, slots=True)
class Remove:
    """DELETE /playlists/{id}/items: all occurrences of at most 100 uris. May be repeated."""

    uris: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """The shape kept in ``ops.playlist_pushes``."""
        return {"remove": list(self.uris)}


@dataclass(frozen=True, slots=True)
class Insert:
    """POST /playlists/{id}/items: at most 100 uris at a position. Never repeated blindly."""

    position: int
    uris: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """The shape kept in ``ops.playlist_pushes``."""
        return {"insert": list(self.uris), "position": self.position}


@dataclass(frozen=True, slots=True)
class Move:
    """PUT /playlists/{id}/items: move a block before a position, as counted before the move.

    Never repeated blindly.
    """

    range_start: int
    insert_before: int
    range_length: int

    def as_record(self) -> dict[str, Any]:
        """The shape kept in ``ops.playlist_pushes``."""
        return {
            "move": {
                "range_start": self.range_start,
                "insert_before": self.insert_before,
                "range_length": self.range_length,
            }
        }


@dataclass(frozen=True, slots=True)
class Replace:
    """PUT /playlists/{id}/items: the whole list becomes these at most 100 uris at once. May be repeated."""

    uris: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """The shape kept in ``ops.playlist_pushes``."""
        return {"replace": list(self.uris)}


Operation = Remove | Insert | Move | Replace


@dataclass(frozen=True, slots=True)
class EditScript:
    """The calls that turn one list into another, and the uris that they add, remove and move."""

    operations: tuple[Operation, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    dates_lost: tuple[PlaylistEntry, ...] = ()
    """Entries that stay, but get a new date: the playlist held them twice, or the whole list is replaced."""
    left_out: tuple[str, ...] = ()
    """Wanted uris beyond the 10,000 that a playlist holds."""
    is_replace: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not self.operations


@dataclass(frozen=True, slots=True)
class Selection:
    """One row of ``analytics.playlist_definitions`` with its uris from ``analytics.playlist_selections``."""

    slug: str
    block: PlaylistBlock
    uris: tuple[str, ...]
    built_at: datetime
    invocation_id: str
    selected_count: int
    history_days: float | None = None
    """Days of listening known when it was built, where the build says so."""


@dataclass(frozen=True, slots=True)
class PlaylistState:
    """One row of ``ops.playlists``: which Spotify playlist a slug is, and its state."""

    slug: str
    playlist_id: str | None
    name: str | None
    description: str | None = None
    """The description that we gave it; None where that is not known."""
    asked_public: bool | None = None
    """Whether we asked Spotify to show it publicly; Spotify may have decided otherwise."""
    state: State = "active"
    state_reason: str | None = None
    snapshot_id: str | None = None
    """What the listing shows while nobody else touches it; None during a push, and after a failed one."""
    enabled_override: bool | None = None
    last_push_at: datetime | None = None
    full_read_at: datetime | None = None

    def is_enabled(self, default: bool) -> bool:
        """Whether it is kept up to date: pausing and resuming win over the block's ``enabled``."""
        return default if self.enabled_override is None else self.enabled_override


@dataclass(frozen=True, slots=True)
class ListedPlaylist:
    """One playlist as GET /me/playlists shows it."""

    playlist_id: str
    name: str
    description: str
    snapshot_id: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All playlists of the account. Only a complete one can say that a playlist is gone."""

    playlists: dict[str, ListedPlaylist]
    is_complete: bool
    read_at: float = 0.0
    """Seconds of the monotonic clock."""


NOTHING_LISTED = Listing({}, is_complete=False)
"""What is known of the account's playlists where nobody has asked Spotify."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A guard's reason for leaving one playlist as it is."""

    guard: str
    reason: str
    remedy: str
    is_failure: bool = True
    """False where leaving it is what the block asks for (``on_empty: keep``)."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """The latest result of one dbt test of one playlist's selection."""

    __test__ = False  # not for pytest

    test_name: str
    status: str
    failures: int | None = None
    message: str | None = None

    @property
    def is_run(self) -> bool:
        """Whether it ran: a skipped test says nothing."""
        return self.status.lower() not in ("skipped", "skip", "no-op")

    @property
    def is_passed(self) -> bool:
        """Whether the selection is as promised."""
        return self.status.lower() in ("pass", "success")


MODEL_FAILED = "model"
"""Stands in place of a test's name where the playlist's own model failed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards know beside the plan. All times in UTC."""

    now: datetime
    results: Mapping[str, tuple[TestResult, ...]] = field(default_factory=dict)
    """By slug: results of tests since its selection was built."""
    looked_at: Mapping[str, datetime] = field(default_factory=dict)
    """By resource: the last complete look at Spotify."""
    first_known_play: datetime | None = None
    user_id: str | None = None
    """What Spotify names as ``owner.id`` of our playlists, where known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do to one playlist, and the reasons against it."""

    slug: str
    name: str
    selection: Selection | None
    state: PlaylistState
    outcome: Outcome
    """``planned`` or ``unchanged``, else why it is not pushed."""
    current: tuple[PlaylistEntry, ...] = ()
    wanted: tuple[str, ...] = ()
    script: EditScript = field(default_factory=EditScript)
    mode: Mode = "mirror"
    max_edit_calls: int = 25
    basis: Literal["new", "record", "read"] = "read"
    """Where the current entries come from."""
    snapshot_id: str | None = None
    owner_id: str | None = None
    """The owner that the listing names."""
    is_full_read_due: bool = True
    """Whether all entries are read to verify it, not only the pages that were touched."""
    rename_to: str | None = None
    describe_as: str | None = None
    publish_as: bool | None = None
    """Asked of Spotify once for each change of the block's ``public``, honoured or not."""
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    deferred: Deferred | None = None
    """Set where a quota kept it from being read, or stopped the run before it."""

    @property
    def is_new(self) -> bool:
        """The playlist does not exist on Spotify yet."""
        return self.state.playlist_id is None

    @property
    def write_calls(self) -> int:
        """Calls that change something on Spotify."""
        return len(self.script.operations) + int(self.is_new) + int(bool(self.new_details))

    @property
    def new_details(self) -> dict[str, Any]:
        """The changes beside the entries: any of ``name``, ``description`` and ``public``."""
        details = {"name": self.rename_to, "description": self.describe_as, "public": self.publish_as}
        return {key: value for key, value in details.items() if value is not None}

    @property
    def churn(self) -> float:
        """Share of the list that changes: the larger of added and removed, by the longer of both lists."""
        longer = max(len(self.current), len(self.wanted), 1)
        return max(len(self.script.added), len(self.script.removed)) / longer


@dataclass(frozen=True, slots=True)
class PushResult:
    """How the push of one playlist ended."""

    slug: str
    outcome: Outcome
    plan: Plan
    playlist_id: str | None = None
    push_id: int | None = None
    calls: int = 0
    """Calls to Spotify for this playlist alone, reads and verification included."""
    dropped: tuple[str, ...] = ()
    """Uris that Spotify refused, each found by splitting its chunk."""
    notes: tuple[str, ...] = ()
    error: str | None = None
    deferred: Deferred | None = None
    """Set where a quota ended it: the rest of the run waits as well."""

    @property
    def is_failure(self) -> bool:
        """Whether the command that asked for it should end with status 1."""
        return self.outcome in ("failed", "refused")


@dataclass(frozen=True, slots=True)
class PushRecord:
    """One row of ``ops.playlist_pushes``. Times in UTC."""

    push_id: int
    slug: str
    playlist_id: str | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    before: tuple[PlaylistEntry, ...]
    after: tuple[PlaylistEntry, ...] | None
    operations: tuple[dict[str, Any], ...]
    calls: int
    reason: str | None
    error: str | None
    undo_of: int | None


@dataclass(frozen=True, slots=True)
class WriteDelays:
    """Pauses in seconds: Spotify shows a write a little later than it confirms it."""

    settle_s: float
    """Before a push is verified; new entries show after about 0.6 s."""
    read_back_s: float
    """Before each of the two looks at a call that may have been applied."""

    @classmethod
    def of(cls, settings: Settings) -> WriteDelays:
        """In proportion to the pacing and back-off of the client: at most 1 and 2 s."""
        return cls(min(1.0, 10 * settings.spotify_pacing_s), min(2.0, 4 * settings.spotify_backoff_s))
