"""The sandbox as seen through the client library spotipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import spotipy  # type: ignore[import-untyped]  # it has no stubs

from sandbox.account.ids import readable_id
from sandbox.account.model import ALL_SCOPES
from tests.sandbox.conftest import LATER, track_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.testing import RunningSandbox


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[spotipy.Spotify]:
    with requests.Session() as session:
        auth = spotipy.SpotifyOAuth(
            running.client_id,
            running.client_secret,
            "http://127.0.0.1:8888/callback",
            scope=ALL_SCOPES,
            cache_handler=spotipy.MemoryCacheHandler(),
            requests_session=session,
        )
        auth.OAUTH_TOKEN_URL = f"{running.accounts_url}api/token"
        token = auth.refresh_access_token(running.refresh_token)
        spotify = spotipy.Spotify(auth=token["access_token"], requests_session=session)
        spotify.prefix = running.api_url
        yield spotify


def test_the_reads_of_spotipy_work(client: Any, running: RunningSandbox) -> None:
    assert client.me()["id"] == "sandbox-listener"
    first = client.current_user_saved_tracks(limit=8)
    second = client.next(first)
    ids = [item["track"]["id"] for item in [*first["items"], *second["items"]]]
    assert ids == running.account.liked_ids
    assert client.next(second) is None
    assert client.current_user_saved_albums()["total"] == 1
    assert client.current_user_recently_played()["items"]
    assert client.album_tracks(readable_id("Album", 1))["total"] == 8
    assert client.playlist_items(LATER)["items"][0]["item"]["uri"] == track_uri(2003)
    assert client.playlist(LATER)["name"] == "For Later"
    assert client.current_user_playlists()["total"] == 2
    assert client.current_user_top_artists()["items"]
    assert client.current_user_saved_tracks_contains([readable_id("Track", 1001)]) == [True]
    assert client.artist_albums(readable_id("Artist", 1), limit=10)["total"] == 1
    assert running.calls.removed == 0


def test_the_writes_of_spotipy_work_except_those_broken_since_2026(
    client: Any, running: RunningSandbox
) -> None:
    made = client.current_user_playlist_create("Mine", public=False, description="x")["id"]
    client.playlist_replace_items(made, [track_uri(1001), track_uri(1002), track_uri(1003)])
    client.playlist_reorder_items(made, 0, 3)
    client.playlist_remove_all_occurrences_of_items(made, [track_uri(1003)])
    client._post(f"playlists/{made}/items", payload={"uris": [track_uri(1004)], "position": 0})
    assert running.account.playlists[made].uris == [track_uri(1004), track_uri(1002), track_uri(1001)]
    client.playlist_change_details(made, name="Yours")
    assert running.account.playlists[made].name == "Yours"
    with pytest.raises(spotipy.SpotifyException) as refused:
        client.playlist_add_items(made, [track_uri(1005)])
    assert refused.value.http_status == 400
    with pytest.raises(spotipy.SpotifyException) as removed:
        client.current_user_unfollow_playlist(made)
    assert removed.value.http_status == 403
    assert running.calls.removed == 1


def test_spotipy_receives_the_quotas_reason_and_header(client: Any, running: RunningSandbox) -> None:
    running.faults.add("quota_exceeded", "GET", "/me", retry_after=85_771)
    with pytest.raises(spotipy.SpotifyException) as stopped:
        client.me()
    assert stopped.value.reason == "QUOTA_EXCEEDED"
    assert stopped.value.headers["Retry-After"] == "85771"
