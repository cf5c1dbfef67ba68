from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.account.ids import readable_id
from sandbox.api.endpoints import REMOVED
from tests.sandbox.conftest import LATER, Api, track_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACK, ALBUM, ARTIST = readable_id("Track", 2003), readable_id("Album", 1), readable_id("Artist", 1)
DROPPED = {
    "available_markets",
    "linked_from",
    "popularity",
    "album_group",
    "label",
    "followers",
    "country",
    "email",
    "explicit_content",
    "product",
}


def keys_of(value: Any) -> Iterator[str]:
    """Yield every key of a JSON value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


PATHS = (
    "me",
    "me/tracks?market=DE",
    "me/albums",
    "me/player/recently-played",
    "me/playlists",
    "me/top/artists",
    f"albums/{ALBUM}",
    f"tracks/{TRACK}?market=DE",
    f"artists/{ARTIST}",
    f"artists/{ARTIST}/albums",
    f"playlists/{LATER}",
    f"playlists/{LATER}/items?market=DE",
)


def test_new_development_mode_has_none_of_the_dropped_fields(api: Api) -> None:
    for path in PATHS:
        shape = api.get(path)
        if path == f"playlists/{LATER}":
            del shape["followers"]  # only users and artists have lost it
        assert not DROPPED & set(keys_of(shape)), path


def test_legacy_mode_has_all_of_them(legacy: Api) -> None:
    found = {key for path in PATHS for key in keys_of(legacy.get(path))}
    assert found >= DROPPED


def test_fields_that_spotify_gave_back_are_there(api: Api) -> None:
    assert api.get("me")["account_id"]
    assert api.get(f"tracks/{TRACK}")["external_ids"]["isrc"]
    assert api.get(f"albums/{ALBUM}")["external_ids"]["upc"]
    assert api.get(f"albums/{ALBUM}")["genres"] == []


@pytest.mark.parametrize("endpoint", REMOVED, ids=lambda one: f"{one.method} {one.template}")
def test_a_removed_endpoint_is_refused_and_counted(api: Api, endpoint: Any) -> None:
    path = endpoint.template.replace("{id}", LATER).removeprefix("/")
    expected = (404, "Resource not found") if endpoint.is_unknown else (403, "Forbidden")
    assert api.status(endpoint.method, path, ids=TRACK) == expected
    assert api.running.calls.removed == 1


def test_present_endpoints_are_not_counted_as_removed(api: Api) -> None:
    for path in PATHS:
        api.get(path)
    assert api.running.calls.removed == 0
    assert api.running.calls.total == len(PATHS)


def test_legacy_playlists_use_the_keys_tracks_and_track_under_both_paths(legacy: Api) -> None:
    whole = legacy.get(f"playlists/{LATER}")
    assert whole["tracks"]["items"][0]["track"]["id"] == TRACK
    for path in ("items", "tracks"):
        assert legacy.get(f"playlists/{LATER}/{path}")["items"][0]["track"]["id"] == TRACK
    assert legacy.get(f"playlists/{LATER}/tracks", limit=100)["total"] == 2
    assert legacy.get("me/playlists")["items"][0]["tracks"]["total"] == 2


def test_legacy_mode_still_has_batches_and_old_ways_to_write(legacy: Api) -> None:
    unknown = "z" * 22
    assert [one and one["id"] for one in legacy.get("tracks", ids=f"{TRACK},{unknown}")["tracks"]] == [
        TRACK,
        None,
    ]
    assert legacy.get("albums", ids=ALBUM)["albums"][0]["tracks"]["total"] == 8
    assert legacy.get("artists", ids=ARTIST)["artists"][0]["popularity"] == 40
    assert legacy.status("DELETE", "me/tracks", ids=TRACK)[0] == 200
    assert legacy.get("me/tracks/contains", ids=TRACK) == [False]
    assert legacy.status("PUT", "me/tracks", {"ids": [TRACK]})[0] == 200
    made = legacy.call("POST", "users/sandbox-listener/playlists", {"name": "Old way"})
    assert made.status_code == 201
    path = f"playlists/{made.json()['id']}"
    assert legacy.status("POST", f"{path}/tracks", [track_uri(1001), track_uri(1001)])[0] == 201
    gone = {"tracks": [{"uri": track_uri(1001), "positions": [0]}]}
    assert legacy.status("DELETE", f"{path}/tracks", gone)[0] == 200
    assert legacy.get(path)["tracks"]["total"] == 1
    assert legacy.status("DELETE", f"{path}/followers")[0] == 200
    assert "Old way" not in [one["name"] for one in legacy.get("me/playlists")["items"]]


def test_legacy_mode_shows_which_track_was_relinked(legacy: Api) -> None:
    shown = legacy.get(f"tracks/{TRACK}", market="DE")
    assert shown["id"] == readable_id("Track", 2004)
    assert shown["linked_from"]["id"] == TRACK


def test_artists_albums_come_ten_at_most_in_new_development_mode(api: Api, legacy: Api) -> None:
    path = f"artists/{ARTIST}/albums"
    assert api.get(path)["limit"] == 5
    assert api.status("GET", path, limit=11)[0] == 400
    assert legacy.get(path, limit=50)["items"][0]["album_group"] == "album"
