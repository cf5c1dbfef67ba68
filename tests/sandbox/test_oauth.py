from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.api.oauth import challenge_of

if TYPE_CHECKING:
    from sandbox.testing import RunningSandbox
    from tests.sandbox.conftest import Api

REDIRECT = "http://127.0.0.1:8910/callback"
VERIFIER = "v" * 50


def token(running: RunningSandbox, *, secret: str | None = None, **form: str) -> requests.Response:
    auth = (running.client_id, secret if secret is not None else running.client_secret)
    return requests.post(f"{running.accounts_url}api/token", data=form, auth=auth, timeout=10)


def consent(running: RunningSandbox, decision: str = "agree", **params: str) -> dict[str, list[str]]:
    """Open the consent page, press a button, and return the query that comes back to the redirect address."""
    asked = {
        "client_id": running.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "user-library-read",
        "state": "s&=/ é",
        **params,
    }
    page = requests.get(f"{running.accounts_url}authorize", params=asked, timeout=10)
    assert page.status_code == 200
    assert "Agree" in page.text
    assert "Cancel" in page.text
    answer = requests.post(
        f"{running.accounts_url}authorize",
        data={**asked, "decision": decision},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address.startswith(f"{params.get('redirect_uri', REDIRECT)}?")
    return parse_qs(urlsplit(address).query)


def test_a_refresh_brings_an_access_token_and_no_new_refresh_token(running: RunningSandbox) -> None:
    answer = token(running, grant_type="refresh_token", refresh_token=running.refresh_token)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["token_type"] == "Bearer"
    assert "refresh_token" not in answer.json()


def test_a_code_is_exchanged_with_the_secret_once(running: RunningSandbox) -> None:
    back = consent(running)
    assert back["state"] == ["s&=/ é"]
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": REDIRECT}
    first = token(running, **form)
    assert first.json()["scope"] == "user-library-read"
    assert first.json()["refresh_token"]
    again = token(running, **form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_pkce_needs_the_right_verifier_and_no_secret(running: RunningSandbox) -> None:
    for verifier, status in (("x" * 50, 400), (VERIFIER, 200)):
        code = consent(running, code_challenge=challenge_of(VERIFIER), code_challenge_method="S256")["code"][
            0
        ]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": running.client_id,
            "code_verifier": verifier,
        }
        answer = requests.post(f"{running.accounts_url}api/token", data=form, timeout=10)
        assert answer.status_code == status
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": answer.json()["refresh_token"],
        "client_id": running.client_id,
    }
    assert requests.post(f"{running.accounts_url}api/token", data=refresh, timeout=10).status_code == 200


def test_a_refused_consent_comes_back_as_access_denied(running: RunningSandbox) -> None:
    assert consent(running, "cancel") == {"error": ["access_denied"], "state": ["s&=/ é"]}


def test_fewer_scopes_may_be_granted_than_asked_for(running: RunningSandbox) -> None:
    running.account.options.granted_scopes = ["user-top-read"]
    code = consent(running)["code"][0]
    granted = token(running, grant_type="authorization_code", code=code, redirect_uri=REDIRECT).json()
    assert granted["scope"] == "user-top-read"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "http://127.0.0.1:8910/Callback"},
        {"redirect_uri": "http://127.0.0.1:8910/callback/"},
        {"redirect_uri": "http://localhost:8910/callback"},
        {"response_type": "token"},
        {"scope": "everything"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
    ],
)
def test_a_wrong_request_for_consent_is_refused_without_a_redirect(
    running: RunningSandbox, change: dict[str, str]
) -> None:
    asked = {"client_id": running.client_id, "response_type": "code", "redirect_uri": REDIRECT, **change}
    answer = requests.get(f"{running.accounts_url}authorize", params=asked, allow_redirects=False, timeout=10)
    assert answer.status_code == 400


def test_wrong_credentials_are_an_invalid_client(running: RunningSandbox) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": running.refresh_token}
    answer = token(running, secret="wrong", **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_revoked_expired_and_unknown_refresh_tokens_are_invalid_grants(running: RunningSandbox) -> None:
    old = running.tokens.issue_refresh_token(age_days=190)
    young = running.tokens.issue_refresh_token(age_days=150)
    assert token(running, grant_type="refresh_token", refresh_token=young).status_code == 200
    running.tokens.revoke_refresh_tokens()
    for value in (old, young, "unknown"):
        answer = token(running, grant_type="refresh_token", refresh_token=value)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_calls_without_a_valid_token_are_refused_with_the_reason(running: RunningSandbox, api: Api) -> None:
    bare = requests.get(f"{running.api_url}me", timeout=10)
    assert bare.status_code == 401
    assert bare.json() == {"error": {"status": 401, "message": "No token provided"}}
    wrong = requests.get(f"{running.api_url}me", headers={"Authorization": "Bearer x"}, timeout=10)
    assert wrong.status_code == 401
    assert re.search("invalid_token", wrong.headers["www-authenticate"])
    running.tokens.expire_access_tokens()
    assert api.status("GET", "me") == (401, "The access token expired")


def test_a_token_without_the_scope_is_refused(running: RunningSandbox) -> None:
    few = running.tokens.issue_refresh_token("user-top-read playlist-modify-public")
    access = token(running, grant_type="refresh_token", refresh_token=few).json()["access_token"]
    headers = {"Authorization": f"Bearer {access}"}

    def status(method: str, path: str) -> int:
        return requests.request(method, running.api_url + path, headers=headers, timeout=10).status_code

    assert status("GET", "me") == 200
    assert status("GET", "me/top/tracks") == 200
    assert status("GET", "me/tracks") == 403
    assert status("GET", f"playlists/{next(iter(running.account.playlists))}/items") == 403
    assert status("PUT", f"me/library?uris=spotify:track:{running.account.liked_ids[0]}") == 403
    assert status("PUT", f"me/library?uris=spotify:playlist:{next(iter(running.account.playlists))}") == 200
