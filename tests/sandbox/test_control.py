from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests

from sandbox.account.ids import readable_id
from tests.sandbox.conftest import LATER, Api, track_uri

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.testing import RunningSandbox


def control(running: RunningSandbox, method: str, path: str, body: Any = None) -> Any:
    return requests.request(method, f"{running.url}/sandbox/{path}", json=body, timeout=30).json()


def test_calls_to_the_controls_are_not_recorded(api: Api, running: RunningSandbox) -> None:
    api.get("me")
    assert control(running, "GET", "state")["calls"]["total"] == 1
    shown = control(running, "GET", "calls")
    assert [call["path"] for call in shown["calls"]] == ["/me"]
    assert control(running, "DELETE", "calls")["ok"]
    assert control(running, "GET", "calls")["total"] == 0


def test_the_controls_edit_the_account_as_its_user(running: RunningSandbox) -> None:
    account = running.account
    new, album = readable_id("Track", 2004), readable_id("Album", 2)
    liked_at = "2026-01-02T03:04:05+00:00"
    assert control(running, "POST", "edits/like", {"track_id": new, "at": liked_at})["added_at"] == (
        "2026-01-02T03:04:05Z"
    )
    control(running, "POST", "edits/unlike", {"track_id": account.liked_ids[0]})
    control(running, "POST", "edits/save", {"album_id": album})
    control(running, "POST", "edits/play", {})
    made = control(running, "POST", "edits/create-playlist", {"name": "Mine", "uris": [track_uri(1001)]})
    control(running, "POST", "edits/edit-playlist", {"playlist_id": made["id"], "uris": [track_uri(1002)]})
    control(running, "POST", "edits/delete-playlist", {"playlist_id": LATER})
    assert (len(account.likes), len(account.saved_albums), len(account.plays)) == (11, 2, 7)
    truth = {one["id"]: one for one in control(running, "GET", "playlists")}
    assert truth[LATER]["is_in_library"] is False
    assert [entry["uri"] for entry in truth[made["id"]]["entries"]] == [track_uri(1002)]
    assert control(running, "GET", "library")["likes"][0]["track_id"] == account.liked_ids[0]
    assert control(running, "POST", "edits/like", {"track_id": "nobody"})["ok"] is False
    assert control(running, "POST", "edits/nonsense")["ok"] is False


def test_faults_are_set_seen_and_cleared_over_http(api: Api, running: RunningSandbox) -> None:
    body = {"kind": "rate_limited", "method": "GET", "path": "me/tracks", "retry_after": 9, "times": None}
    fault = control(running, "POST", "faults", body)["fault"]
    assert api.call("GET", "me/tracks").headers["retry-after"] == "9"
    assert control(running, "GET", "faults")[0]["fired"] == 1
    control(running, "DELETE", f"faults/{fault['id']}")
    assert api.call("GET", "me/tracks").status_code == 200
    assert control(running, "POST", "faults", {"kind": "nonsense"})["ok"] is False
    assert control(running, "POST", "faults", {"kind": "forbidden", "nonsense": 1})["ok"] is False
    control(running, "POST", "faults", {"kind": "forbidden", "times": None})
    control(running, "POST", "reset")
    assert api.call("GET", "me").status_code == 200


def test_another_process_can_wait_for_a_call_to_hang_and_release_it(
    api: Api, running: RunningSandbox
) -> None:
    assert control(running, "GET", "hanging") == []
    control(running, "POST", "faults", {"kind": "hang_before", "path": "/me"})
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(control, running, "GET", "hanging?wait=10")
        answer = pool.submit(api.call, "GET", "me")
        assert seen.result()[0]["path"] == "/me"
        control(running, "POST", "release")
        assert answer.result().status_code == 200


def test_the_controls_expire_revoke_and_restore_tokens(api: Api, running: RunningSandbox) -> None:
    control(running, "POST", "tokens/expire")
    assert api.call("GET", "me").status_code == 401
    control(running, "POST", "tokens/revoke")
    form = {"grant_type": "refresh_token", "refresh_token": running.refresh_token}
    auth = (running.client_id, running.client_secret)
    address = f"{running.accounts_url}api/token"
    assert requests.post(address, data=form, auth=auth, timeout=10).json()["error"] == "invalid_grant"
    control(running, "POST", "tokens/restore")
    assert requests.post(address, data=form, auth=auth, timeout=10).status_code == 200
    issued = control(running, "POST", "tokens/issue", {"scope": "user-top-read", "age_days": 200})
    form["refresh_token"] = issued["refresh_token"]
    assert requests.post(address, data=form, auth=auth, timeout=10).status_code == 400


def test_the_controls_move_time_change_the_mode_and_write_an_export(
    api: Api, running: RunningSandbox, tmp_path: Path
) -> None:
    assert control(running, "POST", "advance", {"hours": 2})["ok"]
    assert control(running, "POST", "options", {"mode": "legacy", "tie_order": "stable"})["ok"]
    assert "country" in api.get("me")
    assert control(running, "POST", "options", {"mode": "nonsense"})["ok"] is False
    written = control(running, "POST", "export", {"path": str(tmp_path / "x.zip"), "quirks": False})
    assert written["rows"] == 6
    assert (tmp_path / "x.zip").exists()
