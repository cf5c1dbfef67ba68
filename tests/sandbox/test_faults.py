from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.conftest import LATER, Api, track_uri

if TYPE_CHECKING:
    from sandbox.testing import RunningSandbox

ITEMS = f"playlists/{LATER}/items"
TEMPLATE = "/playlists/{id}/items"
ADD = {"uris": [track_uri(1001)]}


def length(running: RunningSandbox) -> int:
    return len(running.account.playlists[LATER].entries)


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("rate_limited", {"retry_after": 7}, (429, "API rate limit exceeded", "7")),
        ("rate_limited", {"retry_after": -1}, (429, "API rate limit exceeded", None)),
        ("quota_exceeded", {}, (429, "Too many requests", "86236")),
        ("server_error", {}, (503, "Service Unavailable", None)),
        ("server_error", {"status": 502}, (502, "Bad Gateway", None)),
        ("not_allow_listed", {}, (403, "User not registered in the Developer Dashboard", None)),
        ("forbidden", {}, (403, "Forbidden", None)),
        ("not_found", {}, (404, "Resource not found", None)),
        ("bad_request", {"message": "Oh no"}, (400, "Oh no", None)),
        ("expired_token", {}, (401, "The access token expired", None)),
    ],
)
def test_a_fault_replaces_the_answer_to_one_call(
    api: Api, kind: Any, details: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    running = api.running
    running.faults.add(kind, "POST", TEMPLATE, **details)
    answer = api.call("POST", ITEMS, ADD)
    message = answer.json()["error"]["message"]
    assert (answer.status_code, message, answer.headers.get("retry-after")) == expected
    assert answer.json()["error"].get("reason") == ("QUOTA_EXCEEDED" if kind == "quota_exceeded" else None)
    assert length(running) == 2
    assert api.call("POST", ITEMS, ADD).status_code == 201


def test_lapsed_premium_refuses_every_call_in_plain_text(api: Api, running: RunningSandbox) -> None:
    running.faults.add("premium_lapsed", times=None)
    for path in ("me", "me/tracks", ITEMS):
        answer = api.call("GET", path)
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("text/plain")
        assert "premium" in answer.text
    running.faults.clear()
    assert api.call("GET", "me").status_code == 200


def test_a_fault_strikes_at_the_nth_matching_call_for_some_times(api: Api, running: RunningSandbox) -> None:
    running.faults.add("server_error", "GET", "/me/tracks", nth=2, times=2)
    assert [api.call("GET", "me/tracks").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert api.call("GET", "me/albums").status_code == 200


def test_a_pattern_matches_many_paths(api: Api, running: RunningSandbox) -> None:
    running.faults.add("server_error", "*", "/me/*", times=None)
    assert api.call("GET", "me/tracks").status_code == 503
    assert api.call("GET", "me/player/recently-played").status_code == 503
    assert api.call("GET", "me").status_code == 200


def test_an_error_after_the_write_was_applied(api: Api, running: RunningSandbox) -> None:
    running.faults.add("server_error_after", "POST", TEMPLATE, status=500)
    assert api.call("POST", ITEMS, ADD).status_code == 500
    assert length(running) == 3


@pytest.mark.parametrize(
    ("kind", "applied"),
    [
        ("drop_before", 0),
        ("drop_after", 1),
        ("drop_midway", 1),
    ],
)
def test_a_dropped_connection_before_and_after_applying(
    api: Api, running: RunningSandbox, kind: Any, applied: int
) -> None:
    running.faults.add(kind, "POST", TEMPLATE)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api.call("POST", ITEMS, ADD)
    assert length(running) == 2 + applied
    assert api.call("GET", "me").status_code == 200


@pytest.mark.parametrize(("kind", "applied"), [("timeout", 0), ("timeout_after", 1)])
def test_a_timeout_gives_no_answer(api: Api, running: RunningSandbox, kind: Any, applied: int) -> None:
    running.faults.add(kind, "POST", TEMPLATE)
    with pytest.raises(requests.Timeout):
        api.session.post(running.api_url + ITEMS, json=ADD, timeout=0.1)
    assert running.faults.wait_for_no_hang()
    assert length(running) == 2 + applied
    assert running.calls.matching("POST")[-1].status is None


@pytest.mark.parametrize("kind", ["hang_before", "hang_after"])
def test_a_call_that_hangs_goes_on_when_it_is_released(api: Api, running: RunningSandbox, kind: Any) -> None:
    running.faults.add(kind, "POST", TEMPLATE)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.call, "POST", ITEMS, ADD)
        hang = running.faults.wait_for_hang()
        assert hang is not None
        assert hang.path == f"/{ITEMS}"
        assert length(running) == (3 if hang.is_applied else 2)
        assert len(requests.get(f"{running.url}/sandbox/hanging", timeout=10).json()) == 1
        running.faults.release()
        assert answer.result().status_code == 201
    assert length(running) == 3


@pytest.mark.parametrize(("kind", "applied"), [("hang_before", 0), ("hang_after", 1)])
def test_a_client_killed_in_a_call_leaves_it_applied_or_not(
    running: RunningSandbox, kind: Any, applied: int
) -> None:
    running.faults.add(kind, "POST", TEMPLATE)
    program = (
        "import sys, requests; requests.post(sys.argv[1], json={'uris': [sys.argv[2]]}, "
        "headers={'Authorization': 'Bearer ' + sys.argv[3]})"
    )
    words = [running.api_url + ITEMS, track_uri(1001), running.access_token()]
    with subprocess.Popen([sys.executable, "-c", program, *words]) as client:
        assert running.faults.wait_for_hang() is not None
        client.kill()
    assert running.faults.wait_for_no_hang()
    assert length(running) == 2 + applied


def test_the_user_may_edit_while_a_client_pages(api: Api, running: RunningSandbox) -> None:
    victim = running.account.liked_ids[0]
    running.faults.on("GET", "/me/tracks", lambda: running.account.unlike(victim), nth=2)
    totals = [api.get("me/tracks", limit=5, offset=offset)["total"] for offset in (0, 5)]
    assert totals == [11, 10]


def test_a_revoked_refresh_token_differs_from_a_failing_accounts_service(running: RunningSandbox) -> None:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": running.refresh_token,
        "client_id": running.client_id,
    }
    running.faults.add("revoked_refresh_token", "POST", "/api/token")
    running.faults.add("server_error", "POST", "/api/token", nth=2)
    answers = [requests.post(f"{running.accounts_url}api/token", data=form, timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 503, 200]
    assert answers[0].json()["error"] == "invalid_grant"
    assert running.calls.tokens == 3
    assert running.calls.total == 0


def test_every_call_is_recorded_with_its_family(api: Api, running: RunningSandbox) -> None:
    running.faults.add("rate_limited", "GET", "/me/albums")
    for method, path in (("GET", "me"), ("GET", "me/albums"), ("PUT", f"playlists/{LATER}"), ("GET", ITEMS)):
        api.call(method, path, {} if method == "PUT" else None)
    calls = running.calls
    assert (calls.total, calls.reads, calls.writes) == (4, 3, 1)
    assert calls.count_by("family") == {"profile": 1, "library": 1, "playlists_write": 1, "playlists_read": 1}
    assert calls.count("GET", TEMPLATE, 200) == 1
    assert calls.summary()["rate_limited"] == 1
    calls.reset()
    assert calls.total == 0
