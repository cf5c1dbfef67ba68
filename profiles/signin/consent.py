"""A login in two steps: the page to open, and the address to which Spotify then redirects the browser.

The steps may run in different processes. Between them the login is stored in `ops.pending_logins`, encrypted
like a token. It can be used once, and lives ten minutes or as long as the caller waits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from profiles import redaction
from profiles.clock import real_now
from profiles.errors import InputError, SettingsError, SpotifyError, TrackerError
from profiles.signin import token_endpoint
from profiles.signin.refresh import end_of_life
from profiles.signin.scopes import SCOPES, refused_in
from profiles.signin.token_store import TokenStore
from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from datetime import datetime

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.signin.scopes import Scope

LIFE = timedelta(minutes=10)
LOOPBACK = ("127.0.0.1", "::1")
START_AGAIN = "Start again: `tracker login`."


class WrongStateError(InputError):
    """The redirected address belongs to another login, or is forged. Nothing was stored."""


class LoginDeclinedError(TrackerError):
    """The user pressed Cancel on the consent page."""


@dataclass(frozen=True)
class PendingLogin:
    """A login under way.

    `address` is the consent page to open; `state` identifies the login in the answer.
    """

    address: str
    redirect_uri: str
    expires_at: datetime
    state: str = field(repr=False)


@dataclass(frozen=True)
class SignedIn:
    """A login that succeeded. `refused` are the permissions in use that the user did not grant."""

    account_id: str
    display_name: str
    expires_on: datetime
    refused: tuple[Scope, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will not work: one sentence per refused permission."""
        return tuple(f"{scope.name} was not granted: {scope.without}." for scope in self.refused)


def start_login(
    settings: Settings, database: Database, *, redirect_uri: str | None = None, life: timedelta = LIFE
) -> PendingLogin:
    """Begin a login and return it with the page to open. Makes no call.

    `redirect_uri` is the setting's by default; pass it if the listener has chosen a port. `life` is how long
    the login can be finished. Without a client secret the login uses PKCE (S256). Raises SettingsError if the
    app or its redirect address cannot be used.
    """
    redirect_uri = redirect_uri or settings.spotify_redirect_uri
    check_redirect(redirect_uri)
    client_id = _client_id(settings)
    state = secrets.token_urlsafe(32)
    verifier = None if settings.spotify_client_secret else secrets.token_urlsafe(64)
    redaction.hide([verifier])
    expires_at = real_now() + life
    _store_pending(settings, database, state, _StoredLogin(client_id, redirect_uri, verifier), expires_at)
    query = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(scope.name for scope in SCOPES),
        "state": state,
        # else Spotify would pass on an account that agreed before, without asking which one is meant
        "show_dialog": "true",
    }
    if verifier:
        query |= {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
    address = f"{settings.spotify_accounts_url}authorize?{urlencode(query)}"
    return PendingLogin(address, redirect_uri, expires_at, state)


def finish_login(
    settings: Settings, database: Database, pending: PendingLogin | str | None, redirected: str
) -> SignedIn:
    """Finish a login with the address to which Spotify redirected the browser, and store the sign-in.

    `pending` is the login or its state; None accepts the answer to any login of this database that is under
    way. Raises WrongStateError (the login can still be finished), InputError if the address is no answer or
    came too late, LoginDeclinedError, WrongAccount (the stored sign-in stays), Forbidden, SpotifyUnavailable,
    Deferred.
    """
    answer = _read_redirected(redirected)
    expected = pending.state if isinstance(pending, PendingLogin) else pending
    if expected is not None and not hmac.compare_digest(answer.state.encode(), expected.encode()):
        raise _wrong_state()
    login = _take_pending(settings, database, answer.state)
    if answer.error == "access_denied":
        raise LoginDeclinedError("The consent was declined; nothing was stored.", remedy=START_AGAIN)
    if answer.error is not None or answer.code is None:
        raise TrackerError(f"Spotify ended the login: {answer.error or 'no code'}.", remedy=START_AGAIN)
    if login.client_id != settings.spotify_client_id:
        raise TrackerError("SPOTIFY_CLIENT_ID has changed since the login began.", remedy=START_AGAIN)
    form = {"grant_type": "authorization_code", "code": answer.code, "redirect_uri": login.redirect_uri}
    try:
        grant = token_endpoint.request_grant(
            settings, {**form, "code_verifier": login.verifier} if login.verifier else form
        )
    except token_endpoint.GrantRefused:
        raise TrackerError(
            "Spotify does not accept the code in that address: it was used before, or is too old.",
            remedy=START_AGAIN,
        ) from None
    return _store_grant(settings, database, grant)


def check_redirect(redirect_uri: str) -> None:
    """Raise SettingsError if Spotify would refuse the redirect address."""
    parts = urlsplit(redirect_uri)
    if parts.hostname == "localhost":
        wrong = "Spotify no longer accepts 'localhost'"
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        wrong = "Spotify accepts http for a loopback address only"
    elif parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        wrong = "it is no plain web address"
    else:
        return
    raise SettingsError(
        f"SPOTIFY_REDIRECT_URI cannot be used: {wrong}.",
        remedy="Use http://127.0.0.1:8888/callback, here and in the app's settings in the dashboard.",
    )


@dataclass(frozen=True)
class _Redirected:
    state: str
    code: str | None = field(repr=False)
    error: str | None


@dataclass(frozen=True)
class _StoredLogin:
    client_id: str
    redirect_uri: str
    verifier: str | None = field(repr=False)


def _read_redirected(redirected: str) -> _Redirected:
    address = redirected.strip().strip("'\"<>")
    parts = urlsplit(address)
    found = parse_qs(parts.query or address.lstrip("?"))
    values = {name: found[name][0] for name in ("state", "code", "error") if len(found.get(name, [])) == 1}
    redaction.hide([values.get("code")])
    if "response_type" in found:
        raise InputError(
            "That is the address of the consent page itself.",
            remedy="Open it, agree, and paste the address that the browser is sent to afterwards.",
        )
    if "state" not in values or not ("code" in values or "error" in values):
        raise InputError(
            "That is not the address that Spotify sends the browser to: it has no state and code.",
            remedy="Paste the whole address, from http to the end, even if the page shows an error.",
        )
    return _Redirected(values["state"], values.get("code"), values.get("error"))


def _store_pending(
    settings: Settings,
    database: Database,
    state: str,
    login: _StoredLogin,
    expires_at: datetime,
) -> None:
    sealed, is_encrypted = None, False
    if login.verifier is not None:
        sealed, is_encrypted = TokenStore(settings, database).seal(login.verifier)
    with database.transaction() as cursor:
        cursor.execute("delete from ops.pending_logins where expires_at < %s", [real_now()])
        cursor.execute(
            """
            insert into ops.pending_logins
                (state_hash, client_id, redirect_uri, verifier, is_encrypted, expires_at)
            values (%s, %s, %s, %s, %s, %s)
            """,
            [_hash(state), login.client_id, login.redirect_uri, sealed, is_encrypted, expires_at],
        )


def _take_pending(settings: Settings, database: Database, state: str) -> _StoredLogin:
    """Delete the pending login and return it, so that no other answer can use it."""
    with database.transaction() as cursor:
        cursor.execute(
            """
            delete from ops.pending_logins where state_hash = %s
            returning client_id, redirect_uri, verifier, is_encrypted, expires_at
            """,
            [_hash(state)],
        )
        row = cursor.fetchone()
    if row is None:
        raise _wrong_state()
    client_id, redirect_uri, sealed, is_encrypted, expires_at = row
    if expires_at < real_now():
        raise InputError(
            f"That login ended at {expires_at:%Y-%m-%d %H:%M} UTC: its answer came too late.",
            remedy=START_AGAIN,
        )
    verifier = None
    if sealed is not None:
        verifier = TokenStore(settings, database).unseal(sealed, is_encrypted=is_encrypted)
        redaction.hide([verifier])
    return _StoredLogin(client_id, redirect_uri, verifier)


def _store_grant(settings: Settings, database: Database, grant: token_endpoint.Grant) -> SignedIn:
    if not grant.refresh_token:
        raise SpotifyError("Spotify handed out no refresh token; nothing was stored.", remedy=START_AGAIN)
    now = real_now()
    with closing(SpotifyClient(settings, database)) as client:
        client.tokens.adopt(grant, authorized_at=now)
    with database.transaction() as cursor:
        cursor.execute("select account_id, display_name from ops.account")
        ((account_id, display_name),) = cursor.fetchall()
    return SignedIn(account_id, display_name, end_of_life(now), refused_in(grant.scope))


def _client_id(settings: Settings) -> str:
    if settings.spotify_client_id is None:
        raise SettingsError(
            "SPOTIFY_CLIENT_ID is not set.",
            remedy="Create an app: open https://developer.spotify.com/dashboard, press 'Create app', choose "
            f"'Web API', register the redirect address {settings.spotify_redirect_uri} exactly so, and "
            "put the Client ID (and the Client secret, unless you prefer PKCE) into .env. "
            "Then repeat `tracker login`.",
        )
    return settings.spotify_client_id


def _wrong_state() -> WrongStateError:
    return WrongStateError(
        "That answer does not belong to this login (wrong state), so it was refused; nothing was stored.",
        remedy="Use the page that this login opened.",
    )


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
