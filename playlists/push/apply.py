"""Apply an edit script call by call, and see to it that Spotify holds what was wanted.

The list is followed in memory. What may or may not have been applied is read back before anything is
repeated; when the picture does not fit, the playlist is read and planned again from there. So a second copy
of a song or an emptied playlist cannot come about, whichever call fails.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

from playlists.playlist_types import EditScript, Entry, Insert, Move, Operation, Remove, Replace
from playlists.push.edit_script import Mode, apply_operation, edit_script
from playlists.push.reads import look, read_entries, snapshot_of
from profiles.errors import BadRequest, NotFound, SpotifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from profiles.settings import Settings
    from profiles.spotify.client import SpotifyClient

logger = logging.getLogger(__name__)

ROUNDS = 4
"""How often a push looks and plans again before it gives up until the next run."""
REPEATS = 3
"""How often one call is made that Spotify seems not to have got."""
REFUSALS_IN_A_ROW = 12
"""A chunk of 100 with one bad uri takes seven; beyond this it is not the uris that are bad."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Pauses in seconds: Spotify shows a write a little later than it confirms it."""

    settle_s: float = 1.0
    """Before verifying; new entries show after about 0.6 s."""
    read_back_s: float = 2.0
    """Before each of the two looks at a call that may have been applied."""

    @classmethod
    def of(cls, settings: Settings) -> Waits:
        """In proportion to the pacing and back-off of the client, at most as above."""
        return cls(min(1.0, 10 * settings.spotify_pacing_s), min(2.0, 4 * settings.spotify_backoff_s))


class _UnclearError(Exception):
    """Spotify holds neither the old nor the new list; it has been read, and must be planned again."""


class _RefusedError(Exception):
    """Spotify refused a part; what it took is in memory, and the rest must be planned again."""


@dataclass
class Work:
    """One playlist while it is being changed."""

    client: SpotifyClient
    playlist_id: str
    entries: list[Entry]
    snapshot_id: str | None
    waits: Waits
    progress: Callable[[int, int], None] = lambda _done, _total: None
    operations: list[Operation] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    is_whole: bool = False
    _refusals_in_a_row: int = 0

    @property
    def stuck(self) -> list[str]:
        """Uris that Spotify does not remove: they stay, at the end."""
        return [entry.uri for entry in self.entries if entry.is_refused and entry.uri is not None]

    def run(
        self, script: EditScript, wanted: Sequence[str], *, mode: Mode, max_edit_calls: int, whole: bool
    ) -> None:
        """Make the playlist hold `wanted`, beginning with `script`. Raises SpotifyError where it cannot.

        With `whole` all pages are read at the end, not those alone that were touched.
        """
        before = list(self.entries)
        rounds = 0
        while rounds < ROUNDS:
            try:
                for number, operation in enumerate(script.operations):
                    self.progress(number, len(script.operations))
                    self._perform(operation)
                self.progress(len(script.operations), len(script.operations))
                if self._is_verified(before, whole=whole or rounds > 0):
                    return
                logger.warning("Playlist %s is not as expected; planning again.", self.playlist_id)
                self._read()
                rounds += 1
            except _UnclearError:
                rounds += 1
            except _RefusedError:
                pass  # each time something is left out or taken, so this comes to an end
            rest = [uri for uri in wanted if uri not in set(self.dropped)]
            script = edit_script(self.entries, rest, mode=mode, max_edit_calls=max_edit_calls)
        raise SpotifyUnavailable(
            f"Playlist {self.playlist_id} did not come out as planned in {ROUNDS} attempts.",
            remedy="Perhaps it is being edited right now; the next run tries again.",
        )

    def _perform(self, operation: Operation) -> None:
        after = apply_operation(self.entries, operation)
        for _ in range(REPEATS):
            try:
                self._send(operation)
            except (BadRequest, NotFound) as error:
                if isinstance(error, NotFound):
                    # about a uri, or is the playlist itself gone? Then this raises, and no uri is blamed
                    snapshot_of(self.client, self.playlist_id)
                self._refusals_in_a_row += 1
                if self._refusals_in_a_row > REFUSALS_IN_A_ROW:
                    raise
                self._split(operation, error)
            except SpotifyUnavailable as error:
                if not error.may_have_been_applied:
                    raise
                self.snapshot_id = None
                if not self._was_applied(after):
                    continue
            self._refusals_in_a_row = 0
            self.entries = after
            self.operations.append(operation)
            return
        raise SpotifyUnavailable(f"Spotify did not take a change to playlist {self.playlist_id}.")

    def _send(self, operation: Operation) -> None:
        path = f"playlists/{self.playlist_id}/items"
        versioned = {"snapshot_id": self.snapshot_id} if self.snapshot_id else {}
        answer: dict[str, Any] | None
        if isinstance(operation, Remove):
            answer = self.client.delete(
                path, {"items": [{"uri": uri} for uri in operation.uris], **versioned}
            )
        elif isinstance(operation, Insert):
            answer = self.client.post(path, {"uris": list(operation.uris), "position": operation.position})
        elif isinstance(operation, Replace):
            answer = self.client.put(path, {"uris": list(operation.uris)}, idempotent=True)
        else:
            move = {
                "range_start": operation.range_start,
                "insert_before": operation.insert_before,
                "range_length": operation.range_length,
            }
            answer = self.client.put(path, {**move, **versioned}, idempotent=False)
        self.snapshot_id = (answer or {}).get("snapshot_id")

    def _was_applied(self, after: list[Entry]) -> bool:
        """Look twice, with pauses, since writes show late; plan again where it is neither old nor new."""
        for _ in range(2):
            time.sleep(self.waits.read_back_s)
            if look(self.client, self.playlist_id, after, self.entries, whole=False).is_as_expected:
                return True
        if look(self.client, self.playlist_id, self.entries, after, whole=False).is_as_expected:
            return False
        self._read()
        raise _UnclearError

    def _split(self, operation: Operation, error: BadRequest | NotFound) -> NoReturn:
        """400, or 404 for a uri: find what Spotify refuses by halves, leave that out, and plan again."""
        if isinstance(operation, Move):
            if self.snapshot_id is None:
                raise error
            self.snapshot_id = None
        elif self.snapshot_id is not None and isinstance(operation, Remove):
            self.snapshot_id = None  # perhaps it was the version that was refused
        elif len(operation.uris) > 1:
            self._halve(operation)
        elif isinstance(operation, Remove):
            uri = operation.uris[0]
            logger.warning("Spotify does not remove %s: it stays, at the end.", uri)
            self.entries = [
                replace(each, is_refused=True) if each.uri == uri else each for each in self.entries
            ]
        else:
            logger.warning("Spotify does not accept %s: it is left out.", operation.uris[0])
            self.dropped.append(operation.uris[0])
        raise _RefusedError

    def _halve(self, operation: Remove | Insert | Replace) -> None:
        middle = len(operation.uris) // 2
        first, second = operation.uris[:middle], operation.uris[middle:]
        size = len(self.entries)
        with suppress(_RefusedError):
            self._perform(replace(operation, uris=first))
        if isinstance(operation, Replace):
            return  # the second half would replace the first: it is planned from there
        with suppress(_RefusedError):
            if isinstance(operation, Insert):
                self._perform(Insert(operation.position + len(self.entries) - size, second))
            else:
                self._perform(Remove(second))

    def _is_verified(self, before: Sequence[Entry], *, whole: bool) -> bool:
        """Compare what Spotify shows with what it should hold, up to three times with pauses."""
        if not self.operations:
            return True
        time.sleep(self.waits.settle_s)
        for attempt in range(3):
            if attempt:
                time.sleep(self.waits.read_back_s)
            seen = look(self.client, self.playlist_id, self.entries, before, whole=whole)
            if seen.is_as_expected:
                stuck = set(self.stuck)
                self.entries = [replace(entry, is_refused=entry.uri in stuck) for entry in seen.entries]
                self.is_whole = seen.is_whole
                return True
        return False

    def _read(self) -> None:
        refused = {entry.uri for entry in self.entries if entry.is_refused}
        reading = read_entries(self.client, self.playlist_id)
        self.entries = [replace(entry, is_refused=entry.uri in refused) for entry in reading.entries]
        self.snapshot_id = reading.snapshot_id
