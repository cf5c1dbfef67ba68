from __future__ import annotations

from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.account.builders import library_of
from sandbox.account.ids import readable_id
from sandbox.testing import RunningSandbox, running_sandbox
from tests.sandbox.conftest import LATER, Api, track_uri

if TYPE_CHECKING:
    from sandbox.account.model import Like


def all_likes(api: Api, limit: int = 3) -> list[str]:
    """Follow `next` through all likes."""
    ids: list[str] = []
    url: str | None = f"{api.running.api_url}me/tracks?limit={limit}"
    while url:
        page = api.session.get(url, timeout=10).json()
        ids += [item["track"]["id"] for item in page["items"]]
        url = page["next"]
    return ids


def test_likes_come_newest_first_page_by_page(api: Api, running: RunningSandbox) -> None:
    assert all_likes(api) == running.account.liked_ids
    page = api.get("me/tracks", limit=2)
    assert page["items"][0]["added_at"] > page["items"][1]["added_at"]
    assert page["total"] == 11
    assert page["next"].startswith(running.api_url)


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        ("me/tracks", {"limit": 0}, "Invalid limit"),
        ("me/tracks", {"limit": 51}, "Invalid limit"),
        ("me/albums", {"limit": "x"}, "Invalid limit"),
        ("me/tracks", {"offset": -1}, "Invalid offset"),
        ("me/playlists", {"offset": 100_001}, "Invalid offset"),
        (f"playlists/{LATER}/items", {"limit": 51}, "Invalid limit"),
        ("me/tracks", {"market": "Germany"}, "Invalid market code"),
        ("albums/nonsense", {}, "Invalid base62 id"),
        (f"artists/{readable_id('Artist', 1)}/albums", {"limit": 11}, "Invalid limit"),
    ],
)
def test_what_is_out_of_range_is_a_bad_request(api: Api, path: str, params: Any, message: str) -> None:
    assert api.status("GET", path, **params) == (400, message)


def test_slashes_at_the_end_are_accepted(api: Api) -> None:
    assert api.get("me/")["id"] == api.get("me")["id"]
    assert api.get(f"albums/{readable_id('Album', 1)}/tracks/")["total"] == 8


def test_likes_that_share_a_date_change_places_only_when_the_library_changes(running: RunningSandbox) -> None:
    api, account = Api(running), running.account
    moment = account.now - timedelta(days=1)
    for like in account.likes:
        like.added_at = moment
    before = all_likes(api)
    assert before == all_likes(api)
    orders = set()
    for number in (1, 2, 3, 4):
        account.unlike(readable_id("Track", 1000 + number))
        orders.add(tuple(one for one in all_likes(api) if int(one[5:]) > 1004))
    assert len(orders) > 1
    assert sorted(all_likes(api)) == sorted(account.liked_ids)
    account.options.tie_order = "per_request"
    assert len({tuple(all_likes(api, 50)) for _ in range(8)}) > 1
    api.close()


def test_a_listing_in_any_order_can_be_served(running: RunningSandbox, api: Api) -> None:
    likes: list[Like] = running.account.likes
    likes.reverse()
    assert all_likes(api) == [like.track_id for like in likes]


def test_an_album_over_fifty_tracks_shows_the_first_fifty_and_a_next_link() -> None:
    with running_sandbox(library_of(likes=0, albums=2, long_albums=1)) as running:
        api = Api(running)
        long, short = (item["album"] for item in api.get("me/albums")["items"])
        assert len(short["tracks"]["items"]) == 10
        assert short["tracks"]["next"] is None
        assert (len(long["tracks"]["items"]), long["tracks"]["total"]) == (50, 75)
        rest = api.session.get(long["tracks"]["next"], timeout=10).json()
        assert len(rest["items"]) == 25
        assert rest["next"] is None
        assert "album" not in rest["items"][0]
        assert "external_ids" not in rest["items"][0]
        api.close()


def test_albums_may_come_by_last_listened(running: RunningSandbox, api: Api) -> None:
    second = readable_id("Album", 2)
    running.account.save_album(second)
    assert api.get("me/albums")["items"][0]["album"]["id"] == second
    running.account.options.album_order = "listened"
    assert api.get("me/albums")["items"][1]["album"]["id"] == second


def test_the_library_is_changed_by_uri_forty_at_a_time(api: Api, running: RunningSandbox) -> None:
    new, old = track_uri(2004), track_uri(1001)
    album = f"spotify:album:{readable_id('Album', 2)}"
    date = next(one.added_at for one in running.account.likes if one.track_id == old[14:])
    assert api.get("me/library/contains", uris=f"{new},{old},{album}") == [False, True, False]
    assert api.status("PUT", "me/library", uris=f"{new},{old},{album}") == (200, "")
    assert api.get("me/library/contains", uris=f"{album},{new}") == [True, True]
    assert next(one.added_at for one in running.account.likes if one.track_id == old[14:]) == date
    assert api.status("DELETE", "me/library", uris=f"{old},{album}") == (200, "")
    assert api.get("me/library/contains", uris=f"{old},{album}") == [False, False]
    assert api.status("PUT", "me/library", uris=",".join([new] * 41))[0] == 400
    assert api.status("PUT", "me/library", uris=f"{new},nonsense")[0] == 400
    assert api.status("PUT", "me/library", {"uris": [new]})[0] == 400


def test_with_market_playability_shows_and_tracks_are_relinked(api: Api) -> None:
    assert "is_playable" not in api.get(f"tracks/{readable_id('Track', 2002)}")
    there = {item["track"]["id"]: item["track"] for item in api.get("me/tracks", market="DE")["items"]}
    assert readable_id("Track", 2003) not in there
    assert there[readable_id("Track", 2004)]["is_playable"] is True
    assert "linked_from" not in there[readable_id("Track", 2004)]
    gone = there[readable_id("Track", 2002)]
    assert (gone["is_playable"], gone["restrictions"]) == (False, {"reason": "market"})


def seconds_for_pages(likes: int, entries: int) -> float:
    """Return how many seconds forty pages take: half of them likes, half of them a playlist's items."""
    account = library_of(likes=likes, albums=0, playlists=1, playlist_entries=entries)
    playlist_id = readable_id("Playlist", 1)
    with running_sandbox(account) as running:
        api = Api(running)
        begun = perf_counter()
        for place in range(20):
            api.get("me/tracks", limit=50, offset=(place * 997) % (likes - 50))
            api.get(f"playlists/{playlist_id}/items", limit=50, offset=(place * 499) % (entries - 50))
        api.close()
        return perf_counter() - begun


def test_a_page_of_a_library_of_fifty_thousand_costs_no_more_than_one_of_two_hundred() -> None:
    assert seconds_for_pages(50_000, 10_000) < 3 * seconds_for_pages(200, 200) + 0.5


def test_a_track_that_is_gone_is_not_found(api: Api, running: RunningSandbox) -> None:
    track_id = readable_id("Track", 1001)
    assert api.get(f"tracks/{track_id}")["external_ids"]["isrc"]
    running.account.tracks[track_id].is_gone = True
    assert api.status("GET", f"tracks/{track_id}") == (404, "Resource not found")
    assert api.status("GET", f"tracks/{'z' * 22}")[0] == 404


def test_the_api_of_an_unknown_path_is_not_found(running: RunningSandbox, api: Api) -> None:
    assert api.status("GET", "me/nothing")[0] == 404
    assert requests.get(f"{running.url}/nothing", timeout=10).status_code == 404
