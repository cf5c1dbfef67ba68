"""Apply an edit script call by call, and see to it that Spotify holds what was wanted.

The list is followed in memory. What may or may not have been applied is read back before anything is
repeated; where neither the old nor the new list is there, the playlist is read and edited from there. So no
call that fails can lead to a second copy of a song or to an emptied playlist.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from playlists.playlist_types import Insert, Move, Operation, PlaylistEntry, Remove, Replace, WriteDelays
from playlists.push.edit_script import apply_operation, edit_script
from playlists.push.reads import compare, read_entries, snapshot_of
from profiles.errors import BadRequest, NotFound, SpotifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from playlists.block import Mode
    from playlists.playlist_types import EditScript, Plan
    from playlists.push.reads import Comparison
    from profiles.session import Session
    from profiles.spotify.client import SpotifyClient

    Progress = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)

ROUNDS = 4
"""How often a playlist is edited before a push gives up until the next run."""
CALL_ATTEMPTS = 3
"""How often one call is made that Spotify seems not to have got."""
LOOKS = 3
"""How often an edited playlist is compared, with pauses, before it is taken for different."""
REFUSALS_IN_A_ROW = 12
"""A chunk of 100 with one bad uri takes seven; beyond this it is not the uris that are bad."""


class _UnclearError(Exception):
    """Spotify holds neither the old nor the new list; it was read, and the rest is planned from there."""


class _RefusedError(Exception):
    """Spotify refused a part; what it took is in memory, and the rest is planned from there."""


@dataclass
class PlaylistEditor:
    """One playlist while it is being changed: the calls made so far, and what it holds after them."""

    client: SpotifyClient
    playlist_id: str
    wanted: tuple[str, ...]
    """The uris that it shall hold in the end."""
    mode: Mode
    max_edit_calls: int
    entries: list[PlaylistEntry]
    snapshot_id: str | None
    delays: WriteDelays
    show_progress: Callable[[int, int], None] | None = None
    """Called with the number of calls made, and with that of all."""
    operations: list[Operation] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    """Uris that Spotify does not take: they are left out."""
    is_all_read: bool = False
    _before: list[PlaylistEntry] = field(init=False)
    _rounds: int = 1
    _refusals_in_a_row: int = 0

    def __post_init__(self) -> None:
        self._before = list(self.entries)

    @classmethod
    def of(cls, session: Session, plan: Plan, progress: Progress | None) -> PlaylistEditor:
        """The editor of a planned playlist. `progress` gets the slug, the calls made and the calls in all."""
        if plan.state.playlist_id is None:
            raise AssertionError("a playlist is made before it is filled")
        return cls(
            session.spotify,
            plan.state.playlist_id,
            wanted=plan.wanted,
            mode=plan.mode,
            max_edit_calls=plan.max_edit_calls,
            entries=list(plan.current),
            snapshot_id=plan.snapshot_id,
            delays=WriteDelays.of(session.settings),
            show_progress=partial(progress, plan.slug) if progress else None,
        )

    @property
    def stuck(self) -> list[str]:
        """Uris that Spotify does not remove: they stay, at the end."""
        return [entry.uri for entry in self.entries if entry.is_refused and entry.uri is not None]

    def apply(self, script: EditScript) -> None:
        """Make the calls of a script. Raises SpotifyError, Deferred."""
        while True:
            try:
                for number, operation in enumerate(script.operations, start=1):
                    self._perform(operation)
                    if self.show_progress is not None:
                        self.show_progress(number, len(script.operations))
            except _UnclearError:
                self._count_round()
            except _RefusedError:
                pass  # each time something is left out or taken, so this comes to an end
            else:
                return
            script = self._script_from_here()

    def verify(self, *, read_all: bool) -> None:
        """Compare the playlist with what it should hold, and edit it again until it does.

        With `read_all` all pages are compared, else those that were touched. Raises SpotifyError, Deferred.
        """
        while not self._is_as_expected(read_all=read_all or self._rounds > 1):
            logger.warning("Playlist %s is not as expected; it is read and edited again.", self.playlist_id)
            self._read()
            self._count_round()
            self.apply(self._script_from_here())

    def _script_from_here(self) -> EditScript:
        wanted = [uri for uri in self.wanted if uri not in set(self.dropped)]
        return edit_script(self.entries, wanted, mode=self.mode, max_edit_calls=self.max_edit_calls)

    def _count_round(self) -> None:
        if self._rounds == ROUNDS:
            raise SpotifyUnavailable(
                f"Playlist {self.playlist_id} did not come out as planned in {ROUNDS} attempts.",
                remedy="Perhaps it is being edited right now; the next run tries again.",
            )
        self._rounds += 1

    def _perform(self, operation: Operation) -> None:
        after = apply_operation(self.entries, operation)
        for _ in range(CALL_ATTEMPTS):
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

    def _was_applied(self, after: list[PlaylistEntry]) -> bool:
        """Look twice, with pauses: writes show late. Raises _UnclearError where it is neither old nor new."""
        for _ in range(2):
            time.sleep(self.delays.read_back_s)
            if self._compare(after, self.entries).is_as_expected:
                return True
        if self._compare(self.entries, after).is_as_expected:
            return False
        self._read()
        raise _UnclearError

    def _split(self, operation: Operation, error: BadRequest | NotFound) -> NoReturn:
        """Spotify answered 400, or 404 for a uri: send halves until the refused uri is found."""
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

    def _is_as_expected(self, *, read_all: bool) -> bool:
        """Whether Spotify shows what the playlist should hold; it is read up to three times, with pauses."""
        if not self.operations:
            return True
        time.sleep(self.delays.settle_s)
        for attempt in range(LOOKS):
            if attempt:
                time.sleep(self.delays.read_back_s)
            comparison = self._compare(self.entries, self._before, read_all=read_all)
            if comparison.is_as_expected:
                stuck = set(self.stuck)
                self.entries = [replace(entry, is_refused=entry.uri in stuck) for entry in comparison.entries]
                self.is_all_read = comparison.is_whole
                return True
        return False

    def _compare(
        self, expected: list[PlaylistEntry], before: list[PlaylistEntry], *, read_all: bool = False
    ) -> Comparison:
        return compare(self.client, self.playlist_id, expected, before, read_all=read_all)

    def _read(self) -> None:
        refused = {entry.uri for entry in self.entries if entry.is_refused}
        found = read_entries(self.client, self.playlist_id)
        self.entries = [replace(entry, is_refused=entry.uri in refused) for entry in found.entries]
        self.snapshot_id = found.snapshot_id
