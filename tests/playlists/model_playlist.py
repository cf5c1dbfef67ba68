"""A playlist as the API treats it, written apart from the product, to judge edit scripts by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playlists.playlist_types import Insert, Move, Operation, PlaylistEntry, Remove

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class ModelPlaylist:
    """Entries as (uri, date) pairs, changed by the four calls of the API, checked after each."""

    entries: list[tuple[str | None, str | None]]
    clock: int = 0
    calls: int = 0
    may_be_empty: bool = False
    _doubled_before: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[PlaylistEntry], *, may_be_empty: bool = False) -> ModelPlaylist:
        playlist = cls([(entry.uri, entry.added_at) for entry in entries], may_be_empty=may_be_empty)
        playlist._doubled_before = (
            {uri: playlist.uris.count(uri) for uri, _ in playlist.entries if uri is not None}
            if len(playlist.entries) < 50
            else {}
        )
        return playlist

    @property
    def uris(self) -> list[str | None]:
        return [uri for uri, _ in self.entries]

    def call(self, operation: Operation) -> None:
        had_entries = bool(self.entries)
        self.calls += 1
        self.clock += 1
        if isinstance(operation, Remove):
            assert 1 <= len(operation.uris) <= 100
            assert all(not uri.startswith("spotify:local:") for uri in operation.uris)
            assert set(operation.uris) <= set(self.uris)
            self.entries = [(uri, date) for uri, date in self.entries if uri not in set(operation.uris)]
        elif isinstance(operation, Insert):
            assert 1 <= len(operation.uris) <= 100
            assert 0 <= operation.position <= len(self.entries)
            new = [(uri, f"new-{self.clock}") for uri in operation.uris]
            self.entries[operation.position : operation.position] = new
        elif isinstance(operation, Move):
            start, length, before = operation.range_start, operation.range_length, operation.insert_before
            assert length >= 1
            assert 0 <= start <= start + length <= len(self.entries)
            assert 0 <= before <= len(self.entries)
            assert not start <= before <= start + length, "a move that moves nothing"
            block = self.entries[start : start + length]
            if before < start:
                self.entries[before : start + length] = block + self.entries[before:start]
            else:
                self.entries[start:before] = self.entries[start + length : before] + block
        else:
            assert len(operation.uris) <= 100
            self.entries = [(uri, f"new-{self.clock}") for uri in operation.uris]
        assert len(self.entries) <= 10_000
        if had_entries and not self.may_be_empty:
            assert self.entries, "the playlist was emptied"
        if self._doubled_before is not None and len(self.entries) < 50:
            for uri in set(self.uris):
                if uri is not None:
                    assert self.uris.count(uri) <= max(1, self._doubled_before.get(uri, 0)), "doubled by us"
