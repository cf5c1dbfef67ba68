"""Invalid requests are refused with an error object, and the next call is served as before."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.account.ids import readable_id
from sandbox.storage import Storage
from sandbox.testing import RunningSandbox, running_sandbox
from tests.sandbox.conftest import LATER, Api, track_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS = f"playlists/{LATER}/items"
FIRST = track_uri(1001)
DEEP = 100_000


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Api]:
    """A sandbox with a home folder."""
    with running_sandbox(home=tmp_path / "home") as one:
        client = Api(one)
        yield client
        client.close()


def send(api: Api, method: str, path: str, body: bytes) -> tuple[int, Any]:
    answer = api.session.request(method, api.running.api_url + path, data=body, timeout=20)
    return answer.status_code, answer.json()["error"]["message"]


def test_half_a_surrogate_pair_is_refused_and_the_database_stays_unlocked(kept: Api) -> None:
    for body in (rb'{"name": "\ud800"}', rb'{"name": "x", "description": "\udfff"}', rb'{"\ud800": 1}'):
        assert send(kept, "POST", "me/playlists", body) == (400, "Error parsing JSON.")
    assert kept.status("POST", "me/playlists", {"name": "Whole 🌅"})[0] == 201
    assert kept.get("me/playlists")["total"] == 3


def test_changes_that_could_not_be_stored_are_stored_with_the_next_request(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with running_sandbox(home=home) as running:
        api = Api(running)
        storage = running.sandbox.storage
        assert isinstance(storage, Storage)
        storage.connection.execute(
            "create trigger full before insert on events begin select raise(abort, 'disk full'); end"
        )
        running.account.play(readable_id("Track", 1001))
        assert api.call("GET", "me").status_code == 500
        assert not storage.connection.in_transaction
        with sqlite3.connect(home / "sandbox.sqlite") as another:
            another.execute("drop trigger full")
        assert api.call("GET", "me").status_code == 200
        api.close()
    with running_sandbox(home=home) as again:
        assert len(again.account.plays) == 7


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'"text"',
        b'{"position": NaN}',
        b'{"position": ' + b"9" * 5_000 + b"}",
        b'{"uris": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    ],
    ids=["cut", "bytes", "text", "nan", "long number", "deep list", "deep object"],
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, body: bytes) -> None:
    assert send(api, "POST", ITEMS, body) == (400, "Error parsing JSON.")
    assert len(api.running.account.playlists[LATER].entries) == 2


@pytest.mark.parametrize("text", ["9" * 5_000, "٥", "५", "+5", "5.0", "1_0", " 5", "-1", ""])
def test_a_number_is_written_in_plain_digits(api: Api, text: str) -> None:
    assert api.status("GET", "me/tracks", limit=text) == (400, "Invalid limit")
    assert api.status("GET", "me/tracks", offset=text) == (400, "Invalid offset")
    assert api.status("GET", "me/player/recently-played", after=text) == (400, "Invalid after")
    assert api.status("POST", ITEMS, {"uris": [FIRST]}, position=text) == (400, "Invalid position")


@pytest.mark.parametrize("fields", ["(" * 20_000, "a(" * 10_000, "a." * 10_000 + "a"])
def test_a_filter_nested_beyond_reason_is_refused(api: Api, fields: str) -> None:
    assert api.status("GET", f"playlists/{LATER}", fields=fields) == (400, "Invalid fields")


@pytest.mark.parametrize("fields", [")", "(", ",", "items(", "items(track", "a.", ".", "!"])
def test_an_odd_filter_selects_what_it_names(api: Api, fields: str) -> None:
    assert api.call("GET", f"playlists/{LATER}", fields=fields).status_code == 200


@pytest.mark.parametrize("ids", [1, "x", {"a": 1}, [1], [None], [[]], True])
def test_ids_are_a_list_of_texts(legacy: Api, ids: Any) -> None:
    for method in ("PUT", "DELETE"):
        assert legacy.status(method, "me/tracks", {"ids": ids})[0] == 400
    assert len(legacy.running.account.likes) == 11


@pytest.mark.parametrize("positions", [1, "0", [None], ["0"], [0.5], [-1], [True], [2], [9**99], {}])
def test_positions_are_places_in_the_playlist(legacy: Api, positions: Any) -> None:
    gone = {"tracks": [{"uri": track_uri(2003), "positions": positions}]}
    assert legacy.status("DELETE", f"playlists/{LATER}/tracks", gone)[0] == 400
    assert len(legacy.running.account.playlists[LATER].entries) == 2


@pytest.mark.parametrize("snapshot", [1, [], {}, "\u0000", "no snapshot", "9" * 9_000])
def test_a_snapshot_is_one_that_the_playlist_had(api: Api, snapshot: Any) -> None:
    body = {"range_start": 0, "insert_before": 2, "snapshot_id": snapshot}
    assert api.status("PUT", ITEMS, body)[0] == 400


def form(running: RunningSandbox, body: bytes, header: bytes | None = None) -> tuple[int, str]:
    headers: dict[str, Any] = {"content-type": "application/x-www-form-urlencoded"}
    if header is not None:
        headers["authorization"] = header
    answer = requests.post(f"{running.accounts_url}api/token", data=body, headers=headers, timeout=20)
    assert answer.json()["error_description"]
    return answer.status_code, answer.json()["error"]


def test_the_accounts_service_refuses_what_it_cannot_read_in_its_own_way(running: RunningSandbox) -> None:
    assert form(running, b"grant_type=\xff\xfe") == (400, "invalid_request")
    for header in (b"Basic \xc3\xa9", b"Basic =", b"Basic", b"\xff", b"Basic " + b"a" * 5):
        assert form(running, b"grant_type=refresh_token", header) == (400, "invalid_client")


@pytest.mark.parametrize(
    "address",
    ["http://[::1/callback", "http://127.0.0.1:port/callback", "http://127.0.0.1:99999999/callback", "//["],
)
def test_an_invalid_redirect_address_is_refused_at_consent(running: RunningSandbox, address: str) -> None:
    asked = {"client_id": running.client_id, "response_type": "code", "redirect_uri": address}
    url = f"{running.accounts_url}authorize"
    assert requests.get(url, params=asked, allow_redirects=False, timeout=20).status_code == 400
    assert requests.post(url, data=asked, allow_redirects=False, timeout=20).status_code == 400
    assert requests.post(url, data=b"scope=\xff", allow_redirects=False, timeout=20).status_code == 400


def test_a_wrong_method_or_path_is_answered_with_an_error_object(running: RunningSandbox, api: Api) -> None:
    assert api.status("PATCH", "me/tracks") == (404, "Service not found")
    assert api.status("GET", "me/nothing") == (404, "Service not found")
    refused = requests.put(f"{running.accounts_url}api/token", timeout=20)
    assert (refused.status_code, refused.json()["error"]["status"]) == (405, 405)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edits/like", {"track_id": readable_id("Track", 1001), "at": "0001-01-01T00:00:00+14:00"}),
        ("edits/like", {"track_id": readable_id("Track", 1001), "at": 5}),
        ("edits/play", {"track_id": 5}),
        ("edits/create-playlist", {"name": "x", "uris": ["spotify:local:a:b:c:x"]}),
        ("edits/edit-playlist", {"playlist_id": LATER, "uris": ["nonsense"]}),
        ("edits/play", {"ms_played": 10**30}),
        ("edits/create-playlist", {"name": 5}),
        ("edits/create-playlist", {"uris": [5]}),
        ("edits/edit-playlist", {"playlist_id": LATER}),
        ("advance", {"hours": 1e300}),
        ("advance", {"until": "soon"}),
        ("options", {"playlist_limit": "many"}),
        ("options", {"redirect_uris": [1]}),
        ("faults", {"kind": "forbidden", "nth": "x"}),
        ("faults", {"kind": "server_error", "status": 9}),
        ("tokens/issue", {"age_days": "old"}),
        ("tokens/issue", {"age_days": 1e300}),
        ("export", {"path": 5}),
        ("export", {"kind": "extended"}),
    ],
)
def test_the_controls_refuse_invalid_bodies(running: RunningSandbox, path: str, body: Any) -> None:
    answer = requests.post(f"{running.url}/sandbox/{path}", json=body, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert requests.get(f"{running.url}/sandbox/state", timeout=20).status_code == 200


@pytest.mark.parametrize("path", ["calls?limit=x", "hanging?wait=nan", "hanging?wait=1e300"])
def test_the_controls_refuse_invalid_addresses(running: RunningSandbox, path: str) -> None:
    assert requests.get(f"{running.url}/sandbox/{path}", timeout=20).status_code == 400
