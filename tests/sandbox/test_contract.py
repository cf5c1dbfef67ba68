"""Facts about the Web API that its documentation does not have, from recorded answers and reports."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.account.ids import readable_id
from sandbox.account.model import REAL_SCOPES
from sandbox.api.endpoints import DECLARED
from sandbox.testing import RunningSandbox, running_sandbox
from tests.sandbox.conftest import LATER, MIXED, Api, track_uri

if TYPE_CHECKING:
    from pathlib import Path

FIRST, NEWER, NEWEST = track_uri(1001), track_uri(2003), track_uri(2004)
EPISODE = f"spotify:episode:{readable_id('Episode', 1)}"
ITEMS = f"playlists/{LATER}/items"


def as_legacy(api: Api) -> Api:
    api.running.sandbox.mode = "legacy"
    return api


def with_scopes(running: RunningSandbox, *scopes: str) -> Api:
    """A client whose token has only these scopes."""
    client = Api(running)
    refresh_token = running.tokens.issue_refresh_token(" ".join(scopes))
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    secret = {"client_id": running.client_id, "client_secret": running.client_secret}
    token = running.tokens.exchange(form | secret, None)["access_token"]
    client.session.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def private(running: RunningSandbox) -> str:
    """The id of a private playlist that the user owns."""
    made = running.account.add_playlist("Secret", [FIRST])
    made.is_public = False
    return made.id


# -- playlists


def test_an_unrestricted_app_gets_both_names_of_entries_and_of_their_tracks(legacy: Api) -> None:
    whole = legacy.get(f"playlists/{LATER}")
    assert whole["tracks"]["total"] == whole["items"]["total"] == 2
    assert whole["tracks"]["href"].endswith(f"/playlists/{LATER}/tracks?offset=0&limit=100")
    assert whole["items"]["href"].endswith(f"/playlists/{LATER}/items?offset=0&limit=100")
    for page in (whole["tracks"], whole["items"], legacy.get(f"playlists/{LATER}/tracks"), legacy.get(ITEMS)):
        assert [entry["track"] == entry["item"] for entry in page["items"]] == [True, True]
    listed = legacy.get("me/playlists")["items"][0]
    assert listed["tracks"]["total"] == listed["items"]["total"] == 2


def test_the_next_link_of_an_embedded_page_of_items_works(api: Api) -> None:
    api.running.account.edit_playlist(LATER, [FIRST] * 230)
    for mode in ("new-dev", "legacy"):
        api.running.sandbox.mode = mode
        page = api.get(f"playlists/{LATER}")["items"]
        seen = len(page["items"])
        while page["next"]:
            answer = api.session.get(page["next"], timeout=10)
            assert answer.status_code == 200
            page = answer.json()
            seen += len(page["items"])
        assert seen == 230


def test_an_empty_playlist_has_no_images_and_a_full_one_has_followers(api: Api) -> None:
    empty = api.call("POST", "me/playlists", {"name": "Empty"}).json()
    assert empty["images"] is None
    assert empty["followers"] == {"href": None, "total": 0}
    assert api.get(f"playlists/{LATER}")["images"]
    assert api.get(f"playlists/{LATER}")["followers"] == {"href": None, "total": 0}
    assert "followers" not in api.get("me/playlists")["items"][0]


def test_a_list_may_hold_null_where_a_playlist_should_stand(api: Api) -> None:
    api.running.account.playlists[LATER].is_null_in_list = True
    listed = api.get("me/playlists")
    assert [one and one["id"] for one in listed["items"]] == [None, MIXED]
    assert listed["total"] == 2
    assert api.get(f"playlists/{LATER}")["name"] == "For Later"


def test_uris_and_position_may_stand_in_the_query(api: Api) -> None:
    for mode in ("new-dev", "legacy"):
        api.running.sandbox.mode = mode
        playlist = api.running.account.playlists[LATER]
        assert api.status("PUT", ITEMS, uris=f"{NEWER},{NEWEST}")[0] == 200
        assert api.status("POST", ITEMS, uris=FIRST, position=1)[0] == 201
        assert playlist.uris == [NEWER, FIRST, NEWEST]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"range_start": 0}, "Missing insert_before parameter"),
        ({"range_start": 2, "insert_before": 0}, "Given positions are out of bounds"),
        ({"range_start": 0, "insert_before": 3}, "Given positions are out of bounds"),
        ({"range_start": 0, "insert_before": 1, "range_length": 3}, "Given positions are out of bounds"),
    ],
)
def test_an_impossible_move_is_refused_with_its_reason(api: Api, body: Any, message: str) -> None:
    assert api.status("PUT", ITEMS, body) == (400, message)


def test_public_and_collaborative_together_are_refused(api: Api) -> None:
    refused = (400, "A collaborative playlist cannot be public")
    assert api.status("POST", "me/playlists", {"name": "x", "collaborative": True}) == refused
    assert api.status("POST", "me/playlists", {"name": "x", "collaborative": True, "public": True}) == refused
    made = api.call("POST", "me/playlists", {"name": "x", "collaborative": True, "public": False})
    assert (made.status_code, made.json()["collaborative"], made.json()["public"]) == (201, True, False)
    assert api.status("PUT", f"playlists/{LATER}", {"collaborative": True, "public": True}) == refused
    assert api.status("PUT", f"playlists/{LATER}", {"collaborative": True}) == refused
    assert api.status("PUT", f"playlists/{LATER}", {"collaborative": True, "public": False})[0] == 200
    assert api.get(f"playlists/{LATER}")["collaborative"] is True


# -- scopes


def test_public_playlists_are_listed_without_a_scope_and_private_ones_with_it(
    running: RunningSandbox, private: str
) -> None:
    shared = running.account.add_playlist("Shared", [], is_collaborative=True)
    shared.is_public = False
    few = with_scopes(running, "user-library-read")
    assert {one["id"] for one in few.get("me/playlists")["items"]} == {LATER, MIXED}
    some = with_scopes(running, "playlist-read-private")
    assert {one["id"] for one in some.get("me/playlists")["items"]} == {LATER, MIXED, private}
    every = with_scopes(running, "playlist-read-private", "playlist-read-collaborative")
    assert every.get("me/playlists")["total"] == 4
    assert few.status("GET", f"playlists/{private}") == (403, "Insufficient client scope")
    assert few.get(f"playlists/{LATER}")["name"] == "For Later"
    for client in (few, some, every):
        client.close()


def test_a_private_playlist_is_written_with_its_own_scope(running: RunningSandbox, private: str) -> None:
    for scope, status in (("playlist-modify-private", (403, 201)), ("playlist-modify-public", (201, 403))):
        client = with_scopes(running, scope)
        body = {"uris": [FIRST]}
        written = [client.status("POST", f"playlists/{one}/items", body)[0] for one in (LATER, private)]
        assert tuple(written) == status
        made = [
            client.status("POST", "me/playlists", {"name": "x", "public": one})[0] for one in (True, False)
        ]
        assert tuple(made) == status
        client.close()


def test_every_real_scope_is_accepted_at_consent(running: RunningSandbox) -> None:
    asked = {
        "client_id": running.client_id,
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:8910/callback",
        "scope": " ".join(REAL_SCOPES),
    }
    assert {"streaming", "ugc-image-upload", "user-modify-playback-state"} <= set(REAL_SCOPES)
    assert requests.get(f"{running.accounts_url}authorize", params=asked, timeout=10).status_code == 200


# -- playability


def test_likes_show_playability_without_market(api: Api) -> None:
    for mode in ("new-dev", "legacy"):
        api.running.sandbox.mode = mode
        likes = {item["track"]["id"]: item["track"] for item in api.get("me/tracks")["items"]}
        assert likes[readable_id("Track", 1001)]["is_playable"] is True
        assert likes[readable_id("Track", 2002)]["is_playable"] is False
        moved = likes[readable_id("Track", 2003)]
        assert moved["is_playable"] is True
        assert "linked_from" not in moved
        assert all("is_playable" in track for track in api.get("me/top/tracks")["items"])
        assert "is_playable" not in api.get(f"tracks/{readable_id('Track', 2002)}")
        assert "is_playable" not in api.get(ITEMS)["items"][0]["item"]


def test_saved_albums_show_restrictions_only_without_market(api: Api) -> None:
    account = api.running.account
    account.save_album(readable_id("Album", 2))
    tracks = api.get("me/albums")["items"][0]["album"]["tracks"]["items"]
    assert [track.get("restrictions") for track in tracks] == [None, {"reason": "market"}, None, None]
    assert not any("is_playable" in track for track in tracks)


def test_with_market_no_available_markets_are_shown(legacy: Api) -> None:
    for path in ("me/tracks", "me/albums", ITEMS, f"tracks/{readable_id('Track', 1001)}"):
        assert "available_markets" in legacy.call("GET", path).text, path
        assert "available_markets" not in legacy.call("GET", path, market="DE").text, path


def test_a_saved_album_may_be_null(api: Api) -> None:
    api.running.account.saved_albums[0].is_null = True
    (item,) = api.get("me/albums")["items"]
    assert item["album"] is None
    assert item["added_at"]


# -- recently played


def test_after_pages_forward_in_time(api: Api) -> None:
    account = api.running.account
    stamps = [report.played_at for report in account.reports]
    since = int((stamps[0] - timedelta(seconds=1)).timestamp() * 1000)
    page = api.get("me/player/recently-played", after=since, limit=2)
    seen: list[str] = []
    while page["items"]:
        newest_first = [item["played_at"] for item in page["items"]]
        assert newest_first == sorted(newest_first, reverse=True)
        seen += reversed(newest_first)
        assert "after=" in page["next"]
        page = api.session.get(page["next"], timeout=10).json()
    assert len(seen) == len(stamps)
    assert seen == sorted(seen)
    assert "before=" in api.get("me/player/recently-played", limit=2)["next"]


# -- the library by uri


def test_uris_in_the_body_instead_of_the_query_are_refused_as_missing(api: Api) -> None:
    for method in ("PUT", "DELETE"):
        answer = api.status(method, "me/library", {"uris": [FIRST]})
        assert answer == (400, "Missing required field: uris")


def test_what_is_saved_beside_tracks_and_albums_is_remembered(tmp_path: Path) -> None:
    kinds = ("user", "show", "episode", "audiobook")
    uris = ",".join(f"spotify:{kind}:{readable_id('Saved', 1)}" for kind in kinds)
    with running_sandbox(home=tmp_path) as running:
        api = Api(running)
        assert api.get("me/library/contains", uris=uris) == [False] * 4
        assert api.status("PUT", "me/library", uris=uris)[0] == 200
        api.close()
    with running_sandbox(home=tmp_path) as running:
        api = Api(running)
        assert api.get("me/library/contains", uris=uris) == [True] * 4
        assert api.status("DELETE", "me/library", uris=uris.split(",")[0])[0] == 200
        assert api.get("me/library/contains", uris=uris) == [False, True, True, True]
        api.close()


# -- episodes


def test_an_episode_contains_its_whole_show(api: Api) -> None:
    for mode in ("new-dev", "legacy"):
        api.running.sandbox.mode = mode
        page = api.get(f"playlists/{MIXED}/items", additional_types="track,episode")
        episode = page["items"][2]["item"]
        show = episode["show"]
        assert (show["name"], show["type"], show["uri"]) == (
            "The String Hour",
            "show",
            f"spotify:show:{show['id']}",
        )
        assert {"description", "images", "total_episodes", "media_type", "languages"} <= set(show)
        assert ("publisher" in show) == ("available_markets" in show) == (mode == "legacy")
        assert (episode["episode"], episode["track"]) == (True, False)


def test_an_episode_shown_as_a_track_is_marked_as_an_episode(api: Api) -> None:
    posing = api.get(f"playlists/{MIXED}/items")["items"][2]["item"]
    assert (posing["type"], posing["track"], posing["uri"]) == ("track", True, EPISODE)


# -- endpoints


@pytest.mark.parametrize("mode", ["new-dev", "legacy"])
def test_an_endpoint_that_is_not_simulated_answers_501(api: Api, mode: Any) -> None:
    api.running.sandbox.mode = mode
    api.running.account.options.playlist_limit = 10
    statuses = {}
    for endpoint in DECLARED:
        path = endpoint.template.replace("{id}", LATER).replace("{type}", "tracks").removeprefix("/")
        answer = api.call(endpoint.method, path)
        statuses[endpoint] = answer.status_code
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert error["status"] == answer.status_code
            assert error["message"] != "Service not found", endpoint
    removed = {one for one in DECLARED if one.is_removed}
    assert all(statuses[one] in (403, 404) for one in removed) == (mode == "new-dev")
    assert sum(status == 501 for status in statuses.values()) > (20 if mode == "new-dev" else 50)
    assert not any(status >= 500 and status != 501 for status in statuses.values())


def test_endpoints_closed_in_2024_answer_404_or_403_in_new_development_mode(api: Api) -> None:
    artist = readable_id("Artist", 1)
    for path, status in (
        ("recommendations", 404),
        (f"artists/{artist}/related-artists", 404),
        ("audio-features", 403),
        (f"artists/{artist}/top-tracks", 403),
    ):
        assert api.status("GET", path)[0] == status
        assert as_legacy(api).status("GET", path)[0] == 501
        api.running.sandbox.mode = "new-dev"


# -- refusals


def test_a_used_up_quota_says_too_many_requests(api: Api) -> None:
    api.running.faults.add("quota_exceeded", "GET", "/me")
    error = api.call("GET", "me").json()["error"]
    assert error == {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}


def test_an_invalid_refresh_token_is_refused_with_the_reason(running: RunningSandbox) -> None:
    def refresh(value: str) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": value, "client_id": running.client_id}
        return requests.post(f"{running.accounts_url}api/token", data=form, timeout=10).json()

    old = running.tokens.issue_refresh_token(age_days=190)
    assert refresh(old) == {"error": "invalid_grant", "error_description": "Refresh token expired"}
    running.tokens.revoke_refresh_tokens()
    assert refresh(running.refresh_token)["error_description"] == "Refresh token revoked"
