"""Looking at Spotify: the one listing, the entries of a playlist, the pages that a push has touched.

Both shapes are read: entries under ``items`` or ``tracks``, their song under ``item`` or ``track``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import unescape
from typing import TYPE_CHECKING, Any

from playlists.playlist_types import LOCAL_PREFIX, Entry, ListedPlaylist, Listing
from playlists.push.edit_script import touched_positions
from profiles.errors import Forbidden, SpotifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from profiles.spotify.client import SpotifyClient

PAGE = 50
"""Entries per page of /playlists/{id}/items, the API's limit."""
EMBEDDED = 100
"""Entries that GET /playlists/{id} brings along, together with the snapshot that they belong to."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """All entries of one playlist, read while its snapshot stood still."""

    entries: tuple[Entry, ...]
    snapshot_id: str
    owner_id: str


def read_listing(client: SpotifyClient) -> Listing:
    """GET /me/playlists, all pages.

    Complete only where they add up to a total that did not change, and the consent hides no playlist.
    """
    found: dict[str, ListedPlaylist] = {}
    totals: set[int] = set()
    seen = 0
    for page in client.pages("me/playlists", limit=PAGE):
        totals.add(page.total)
        seen += len(page.items)
        for item in page.items:
            if item and item.get("id"):
                listed = _listed(item)
                found[listed.playlist_id] = listed
    is_whole = totals == {seen} and not client.scopes_hiding_playlists()
    return Listing(found, is_complete=is_whole)


def read_entries(client: SpotifyClient, playlist_id: str) -> Reading:
    """All entries: one call up to 100, else one more per 50 and one to see that nobody changed it meanwhile.

    Raises Forbidden where Spotify shows no entries (a playlist of somebody else), SpotifyUnavailable where it
    does not stand still.
    """
    for _ in range(ATTEMPTS):
        playlist = client.get(f"playlists/{playlist_id}", additional_types="track,episode")
        paging = playlist.get("items") or playlist.get("tracks")
        if paging is None:
            raise Forbidden(
                f"Spotify does not show the entries of playlist {playlist_id} (owner: {_owner(playlist)}).",
                remedy="Where it belongs to another account than the one signed in, it cannot be filled. New "
                "apps are now and then refused their own playlists too: the next run tries again.",
            )
        entries = [entry_of(item) for item in paging["items"]]
        is_whole = len(entries) == paging["total"]
        if not is_whole:
            for page in client.pages(
                f"playlists/{playlist_id}/items",
                limit=PAGE,
                offset=len(entries),
                additional_types="track,episode",
            ):
                entries += [entry_of(item) for item in page.items]
            is_whole = (
                len(entries) == paging["total"]
                and snapshot_of(client, playlist_id) == playlist["snapshot_id"]
            )
        if is_whole:
            return Reading(tuple(entries), playlist["snapshot_id"], _owner(playlist))
    raise SpotifyUnavailable(f"Playlist {playlist_id} kept changing while it was read.")


def snapshot_of(client: SpotifyClient, playlist_id: str) -> str:
    """The version of a playlist that Spotify shows now."""
    return str(client.get(f"playlists/{playlist_id}", fields="snapshot_id")["snapshot_id"])


def is_in_library(client: SpotifyClient, playlist_id: str) -> bool:
    """Whether the account still keeps the playlist: deleting one in Spotify means no longer keeping it."""
    answer = client.get_list("me/library/contains", uris=f"spotify:playlist:{playlist_id}")
    return bool(answer[0])


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a playlist where it had to be looked at."""

    is_as_expected: bool
    entries: tuple[Entry, ...]
    """As expected, with the dates that were seen; or what is there, where all of it was read."""
    is_whole: bool


def look(
    client: SpotifyClient,
    playlist_id: str,
    expected: Sequence[Entry],
    before: Sequence[Entry],
    *,
    whole: bool,
) -> Look:
    """Compare ordered uris with Spotify: the total and the pages touched since `before`, or all of them."""
    wanted = [entry.uri for entry in expected]
    if whole or len(expected) <= EMBEDDED:
        entries = read_entries(client, playlist_id).entries
        return Look([entry.uri for entry in entries] == wanted, entries, is_whole=True)
    windows = _windows(touched_positions([entry.uri for entry in before], wanted)) or [0]
    if len(windows) > (len(expected) - EMBEDDED) // PAGE + 2:  # reading all of it is cheaper
        return look(client, playlist_id, expected, before, whole=True)
    seen = list(expected)
    for start in windows:
        page = client.get(
            f"playlists/{playlist_id}/items", limit=PAGE, offset=start, additional_types="track,episode"
        )
        there = [entry_of(item) for item in page["items"]]
        agrees = [entry.uri for entry in there] == wanted[start : start + PAGE]
        if page["total"] != len(expected) or not agrees:
            return Look(is_as_expected=False, entries=tuple(expected), is_whole=False)
        seen[start : start + PAGE] = [
            _known(mine, theirs) for mine, theirs in zip(seen[start:], there, strict=False)
        ]
    return Look(is_as_expected=True, entries=tuple(seen), is_whole=False)


def entry_of(item: Mapping[str, Any]) -> Entry:
    """One entry as the API sends it. What is local, or null, has no uri that a removal would take."""
    song = item.get("item") or item.get("track") or {}
    uri = song.get("uri")
    is_local = bool(item.get("is_local"))
    usable = bool(uri) and (not is_local or str(uri).startswith(LOCAL_PREFIX))
    return Entry(uri if usable else None, item.get("added_at"))


def _known(mine: Entry, theirs: Entry) -> Entry:
    return replace(mine, added_at=theirs.added_at)


def _windows(positions: Sequence[int]) -> list[int]:
    """Offsets of the fewest pages that show all these ascending positions."""
    starts: list[int] = []
    for position in positions:
        if not starts or position >= starts[-1] + PAGE:
            starts.append(position)
    return starts


def _listed(item: Mapping[str, Any]) -> ListedPlaylist:
    paging = item.get("items") or item.get("tracks") or {}
    return ListedPlaylist(
        playlist_id=item["id"],
        name=item.get("name") or "",
        description=unescape(item.get("description") or ""),
        snapshot_id=item.get("snapshot_id") or "",
        owner_id=_owner(item),
        total=paging.get("total"),
    )


def _owner(item: Mapping[str, Any]) -> str:
    return str((item.get("owner") or {}).get("id") or "")
