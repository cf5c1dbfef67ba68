"""Reading a playlist on Spotify: all its entries, or the pages that a push has touched.

Both shapes are read: entries under ``items`` or ``tracks``, their song under ``item`` or ``track``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playlists.listing import PAGE_SIZE, owner_of
from playlists.playlist_types import LOCAL_PREFIX, PlaylistEntry
from playlists.push.edit_script import touched_positions
from profiles.errors import Forbidden, SpotifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from profiles.spotify.client import SpotifyClient

EMBEDDED = 100
"""Entries that GET /playlists/{id} brings along, together with the snapshot that they belong to."""
READ_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ReadPlaylist:
    """All entries of one playlist, read while its snapshot did not change."""

    entries: tuple[PlaylistEntry, ...]
    snapshot_id: str


def read_entries(client: SpotifyClient, playlist_id: str) -> ReadPlaylist:
    """All entries: one call up to 100, else one more per 50 and one to see that nobody changed it meanwhile.

    Raises Forbidden where Spotify shows no entries (a playlist of somebody else), SpotifyUnavailable where it
    keeps changing.
    """
    for _ in range(READ_ATTEMPTS):
        playlist = client.get(f"playlists/{playlist_id}", additional_types="track,episode")
        paging = playlist.get("items") or playlist.get("tracks")
        if paging is None:
            raise Forbidden(
                f"Spotify does not show the entries of playlist {playlist_id} (owner: {owner_of(playlist)}).",
                remedy="Where it belongs to another account than the one signed in, it cannot be filled. New "
                "apps are now and then refused their own playlists too: the next run tries again.",
            )
        entries = [entry_of(item) for item in paging["items"]]
        is_whole = len(entries) == paging["total"]
        if not is_whole:
            for page in client.pages(
                f"playlists/{playlist_id}/items",
                limit=PAGE_SIZE,
                offset=len(entries),
                additional_types="track,episode",
            ):
                entries += [entry_of(item) for item in page.items]
            is_whole = (
                len(entries) == paging["total"]
                and snapshot_of(client, playlist_id) == playlist["snapshot_id"]
            )
        if is_whole:
            return ReadPlaylist(tuple(entries), playlist["snapshot_id"])
    raise SpotifyUnavailable(f"Playlist {playlist_id} kept changing while it was read.")


def snapshot_of(client: SpotifyClient, playlist_id: str) -> str:
    """The version of a playlist that Spotify shows now."""
    return str(client.get(f"playlists/{playlist_id}", fields="snapshot_id")["snapshot_id"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was read of a playlist, and whether it holds what was expected."""

    is_as_expected: bool
    entries: tuple[PlaylistEntry, ...]
    """The expected entries with the dates that were read; or what is there, where all of it was read."""
    is_whole: bool


def compare(
    client: SpotifyClient,
    playlist_id: str,
    expected: Sequence[PlaylistEntry],
    before: Sequence[PlaylistEntry],
    *,
    read_all: bool,
) -> Comparison:
    """Compare ordered uris with Spotify: the total and the pages touched since `before`, or all of them.

    Raises SpotifyError.
    """
    wanted = [entry.uri for entry in expected]
    if read_all or len(expected) <= EMBEDDED:
        entries = read_entries(client, playlist_id).entries
        return Comparison([entry.uri for entry in entries] == wanted, entries, is_whole=True)
    windows = _windows(touched_positions([entry.uri for entry in before], wanted)) or [0]
    if len(windows) > (len(expected) - EMBEDDED) // PAGE_SIZE + 2:  # reading all of it is cheaper
        return compare(client, playlist_id, expected, before, read_all=True)
    entries_read = list(expected)
    for start in windows:
        page = client.get(
            f"playlists/{playlist_id}/items", limit=PAGE_SIZE, offset=start, additional_types="track,episode"
        )
        there = [entry_of(item) for item in page["items"]]
        agrees = [entry.uri for entry in there] == wanted[start : start + PAGE_SIZE]
        if page["total"] != len(expected) or not agrees:
            return Comparison(is_as_expected=False, entries=tuple(expected), is_whole=False)
        entries_read[start : start + PAGE_SIZE] = [
            replace(mine, added_at=theirs.added_at)
            for mine, theirs in zip(entries_read[start:], there, strict=False)
        ]
    return Comparison(is_as_expected=True, entries=tuple(entries_read), is_whole=False)


def entry_of(item: Mapping[str, Any]) -> PlaylistEntry:
    """Return one entry as the API sends it. A null item has no uri, nor has a local file with an odd one."""
    song = item.get("item") or item.get("track") or {}
    uri = song.get("uri")
    is_local = bool(item.get("is_local"))
    usable = bool(uri) and (not is_local or str(uri).startswith(LOCAL_PREFIX))
    return PlaylistEntry(uri if usable else None, item.get("added_at"))


def _windows(positions: Sequence[int]) -> list[int]:
    """Return the offsets of the fewest pages that show all these ascending positions."""
    starts: list[int] = []
    for position in positions:
        if not starts or position >= starts[-1] + PAGE_SIZE:
            starts.append(position)
    return starts
