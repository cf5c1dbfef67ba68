"""The token endpoint of Spotify's accounts service: exchanges codes and refresh tokens for access tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from profiles.errors import BadRequest, SettingsError, SpotifyUnavailable
from profiles.settings import require_spotify_app
from profiles.spotify import responses
from profiles.spotify.retry import OUTAGES, Policy, Repeat, repeating

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.settings import Settings

TIMEOUT_S = (5.0, 15.0)
LONGEST_WAIT_S = 10.0


class GrantRefused(Exception):  # the caller turns it into an error with a remedy
    """`invalid_grant`: the refresh token or code has expired, was revoked, or belongs to another app."""


@dataclass(frozen=True)
class Grant:
    """The tokens in a response. `refresh_token` and `scope` are None if Spotify left them out."""

    access_token: str
    expires_in_s: int
    refresh_token: str | None
    scope: str | None

    def __repr__(self) -> str:
        return "Grant([hidden])"


def refresh(settings: Settings, refresh_token: str, *, sleep: Callable[[float], None] = time.sleep) -> Grant:
    """Return a new access token for a refresh token.

    Raises GrantRefused, SettingsError if the app's id or secret is wrong, and SpotifyUnavailable on 5xx, 429,
    timeouts and dropped connections, which do not end the sign-in.
    """
    return request_grant(
        settings, {"grant_type": "refresh_token", "refresh_token": refresh_token}, sleep=sleep
    )


def request_grant(
    settings: Settings, form: dict[str, str], *, sleep: Callable[[float], None] = time.sleep
) -> Grant:
    """Return the answer of the token endpoint to a form. Without a secret the app is a public client (PKCE).

    Raises as `refresh` does.
    """
    client_id = require_spotify_app(settings)
    address = settings.spotify_accounts_url
    policy = Policy(
        attempts=3,
        first_delay_s=settings.spotify_backoff_s,
        longest_call_s=20,
        longest_wait_s=LONGEST_WAIT_S,
        timeout_s=TIMEOUT_S,
    )
    policy = OUTAGES.adapted(policy, address)
    secret = settings.spotify_client_secret
    auth: Any = (client_id, secret.get_secret_value()) if secret else _without_login
    body = form if secret else {**form, "client_id": client_id}
    try:
        grant: Grant = repeating(policy, sleep)(_ask, f"{address}api/token", body, auth, policy)
    except Repeat as last:
        OUTAGES.note(address)
        raise last.error from None
    OUTAGES.forget(address)
    return grant


def _ask(url: str, form: dict[str, str], auth: Any, policy: Policy) -> Grant:
    try:
        answer = requests.post(url, data=form, auth=auth, timeout=policy.timeout_s, allow_redirects=False)
    except requests.RequestException as failure:
        raise _outage(responses.describe_failure(failure)) from None
    if responses.is_transient(answer.status_code) or answer.status_code == responses.TOO_MANY:
        repeat = _outage(f"status {answer.status_code}")
        repeat.delay_s = responses.retry_after_s(answer.headers)
        if repeat.delay_s is not None and repeat.delay_s > LONGEST_WAIT_S:
            raise repeat.error
        raise repeat
    try:
        content = answer.json()
    except ValueError:
        raise _outage(f"status {answer.status_code} and no JSON") from None
    if not isinstance(content, dict):
        raise _outage(f"status {answer.status_code} and no object")
    return _read(content)


def _read(content: dict[str, Any]) -> Grant:
    error = content.get("error")
    if error == "invalid_grant":
        raise GrantRefused
    if error in ("invalid_client", "unauthorized_client"):
        raise SettingsError(
            f"Spotify does not accept the app's id and secret ({error}).",
            remedy="Compare SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET with https://developer.spotify.com/dashboard.",
        )
    if error:
        text, _ = responses.explanation(str(error))
        raise BadRequest(f"Spotify's accounts service refuses the request: {text}.")
    token = content.get("access_token")
    if not isinstance(token, str) or not token:
        raise _outage("an answer without a token")
    return Grant(
        token,
        int(content.get("expires_in") or 3600),
        content.get("refresh_token") or None,
        content.get("scope"),
    )


def _outage(why: str) -> Repeat:
    error = SpotifyUnavailable(
        f"Spotify's accounts service does not answer: {why}.",
        remedy="The sign-in is not lost; the next run tries again.",
    )
    return Repeat("outage", f"accounts service: {why}", error)


def _without_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # without an auth function requests would look for a login in .netrc
