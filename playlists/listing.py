"""Asking Spotify which playlists the account has."""

from __future__ import annotations

import time
from html import unescape
from typing import TYPE_CHECKING, Any

from playlists.playlist_types import ListedPlaylist, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from profiles.spotify.client import SpotifyClient

PAGE_SIZE = 50
"""Playlists, or entries of a playlist, per page: the API's limit."""


def read_listing(client: SpotifyClient) -> Listing:
    """GET /me/playlists, all pages.

    Complete only where they add up to a total that did not change, and the consent hides no playlist.
    """
    read_at = time.monotonic()
    found: dict[str, ListedPlaylist] = {}
    totals: set[int] = set()
    seen = 0
    for page in client.pages("me/playlists", limit=PAGE_SIZE):
        totals.add(page.total)
        seen += len(page.items)
        for item in page.items:
            if item and item.get("id"):
                listed = _listed(item)
                found[listed.playlist_id] = listed
    is_whole = totals == {seen} and not client.scopes_hiding_playlists()
    return Listing(found, is_complete=is_whole, read_at=read_at)


def is_in_library(client: SpotifyClient, playlist_id: str) -> bool:
    """Whether the account still keeps the playlist: deleting one in Spotify means no longer keeping it."""
    answer = client.get_list("me/library/contains", uris=f"spotify:playlist:{playlist_id}")
    return bool(answer[0])


def owner_of(playlist: Mapping[str, Any]) -> str:
    """The id of a playlist's owner as the API names it; empty where it does not."""
    return str((playlist.get("owner") or {}).get("id") or "")


def _listed(item: Mapping[str, Any]) -> ListedPlaylist:
    return ListedPlaylist(
        playlist_id=item["id"],
        name=item.get("name") or "",
        description=unescape(item.get("description") or ""),
        snapshot_id=item.get("snapshot_id") or "",
        owner_id=owner_of(item),
    )
