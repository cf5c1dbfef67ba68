"""The tokens of the accounts service: codes, refresh tokens that live six months, access tokens of an hour.

They live by the real clock, whatever the account's time is. The credentials are fixed and work here only.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.account.account import real_now
from sandbox.account.model import ALL_SCOPES

CLIENT_ID: Final = "5a4db0c000000000000000000000fa4e"
CLIENT_SECRET: Final = "sandbox-client-secret-of-no-use"  # noqa: S105  good for the sandbox alone
REFRESH_TOKEN: Final = "sandbox-refresh-token-of-no-use-anywhere-else"  # noqa: S105
ACCESS_TOKEN_LIFE: Final = timedelta(hours=1)
REFRESH_TOKEN_LIFE: Final = timedelta(days=182)
CODE_LIFE: Final = timedelta(minutes=10)
LOOPBACK: Final = ("127.0.0.1", "::1")


class TokenError(Exception):
    """A refusal by the token endpoint: 400 `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass
class Grant:
    """A consent of the user, as a refresh token."""

    refresh_token: str
    scope: str
    authorized_at: datetime
    is_revoked: bool = False


@dataclass
class Code:
    """An authorization code. It can be used once."""

    code: str
    scope: str
    redirect_uri: str
    challenge: str | None
    expires_at: datetime


@dataclass
class AccessToken:
    """An access token."""

    token: str
    scope: str
    expires_at: datetime


@dataclass
class IssuedTokens:
    """All codes and tokens that were issued. `is_changed` says that they have to be stored."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    grants: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    is_changed: bool = False

    def __post_init__(self) -> None:
        if not self.grants:
            self.grants[REFRESH_TOKEN] = Grant(REFRESH_TOKEN, ALL_SCOPES, real_now())

    # -- consent

    def issue_code(self, scope: str, redirect_uri: str, challenge: str | None) -> str:
        """Issue a code for a consent."""
        code = secrets.token_urlsafe(48)
        self.codes[code] = Code(code, scope, redirect_uri, challenge, real_now() + CODE_LIFE)
        self.is_changed = True
        return code

    # -- the token endpoint

    def exchange(self, form: dict[str, str], authorization: str | None) -> dict[str, Any]:
        """Answer POST /api/token with its JSON object. Raises TokenError."""
        client_id, secret = self._credentials(form, authorization)
        if client_id != self.client_id:
            raise TokenError("invalid_client", "Invalid client")
        if secret is not None and secret != self.client_secret:
            raise TokenError("invalid_client", "Invalid client secret")
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem(form, has_secret=secret is not None)
            case "refresh_token":
                return self._refresh(form)
            case None:
                raise TokenError("invalid_request", "grant_type parameter is missing")
            case _:
                raise TokenError("unsupported_grant_type", "grant_type parameter is not supported")

    def _credentials(self, form: dict[str, str], authorization: str | None) -> tuple[str, str | None]:
        if authorization is None:
            return form.get("client_id", ""), form.get("client_secret")
        kind, _, encoded = authorization.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # no base64, or no text in it
            client_id, secret = "", ""
        if kind.lower() != "basic" or not client_id:
            raise TokenError("invalid_client", "Invalid authorization header")
        return client_id, secret

    def _redeem(self, form: dict[str, str], *, has_secret: bool) -> dict[str, Any]:
        code = self.codes.pop(form.get("code", ""), None)
        self.is_changed = True
        if code is None:
            raise TokenError("invalid_grant", "Invalid authorization code")
        if code.expires_at < real_now():
            raise TokenError("invalid_grant", "Authorization code expired")
        if code.redirect_uri != form.get("redirect_uri"):
            raise TokenError("invalid_grant", "Invalid redirect URI")
        if code.challenge is None and not has_secret:
            raise TokenError("invalid_client", "Invalid client secret")
        if code.challenge is not None and challenge_of(form.get("code_verifier", "")) != code.challenge:
            raise TokenError("invalid_grant", "code_verifier was incorrect")
        grant = Grant(secrets.token_urlsafe(64), code.scope, real_now())
        self.grants[grant.refresh_token] = grant
        return {**self._access_for(grant), "refresh_token": grant.refresh_token}

    def _refresh(self, form: dict[str, str]) -> dict[str, Any]:
        grant = self.grants.get(form.get("refresh_token", ""))
        if grant is None:
            raise TokenError("invalid_grant", "Invalid refresh token")
        if grant.is_revoked:
            raise TokenError("invalid_grant", "Refresh token revoked")
        if grant.authorized_at + REFRESH_TOKEN_LIFE < real_now():
            raise TokenError("invalid_grant", "Refresh token expired")
        # since the middle of 2026 a refresh gives no new refresh token
        return self._access_for(grant)

    def _access_for(self, grant: Grant) -> dict[str, Any]:
        now = real_now()
        token = AccessToken(secrets.token_urlsafe(72), grant.scope, now + ACCESS_TOKEN_LIFE)
        self.access = {key: one for key, one in self.access.items() if one.expires_at > now}
        self.access[token.token] = token
        self.is_changed = True
        return {
            "access_token": token.token,
            "token_type": "Bearer",
            "expires_in": int(ACCESS_TOKEN_LIFE.total_seconds()),
            "scope": token.scope,
        }

    # -- what tests do

    def issue_refresh_token(self, scope: str = ALL_SCOPES, *, age_days: float = 0) -> str:
        """Issue a refresh token of a consent that was given `age_days` ago."""
        grant = Grant(secrets.token_urlsafe(64), scope, real_now() - timedelta(days=age_days))
        self.grants[grant.refresh_token] = grant
        self.is_changed = True
        return grant.refresh_token

    def expire_access_tokens(self) -> None:
        """Make every access token expire now."""
        for token in self.access.values():
            token.expires_at = real_now() - timedelta(seconds=1)
        self.is_changed = True

    def revoke_refresh_tokens(self) -> None:
        """Revoke all refresh tokens, as when the user removes the app.

        Access tokens live until their hour ends.
        """
        for grant in self.grants.values():
            grant.is_revoked = True
        self.is_changed = True


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_registered(redirect_uri: str, registered: list[str]) -> bool:
    """Whether the address is registered. A loopback address registered without a port may use any port."""
    return redirect_uri in registered or any(_is_loopback_of(redirect_uri, one) for one in registered)


def _is_loopback_of(redirect_uri: str, registered: str) -> bool:
    try:
        asked, known = urlsplit(redirect_uri), urlsplit(registered)
        is_any_port = known.port is None and asked.port != 0
    except ValueError:  # no address at all, or a port that is none
        return False
    is_same = (asked.scheme, asked.hostname, asked.path, asked.query, asked.fragment) == (
        known.scheme,
        known.hostname,
        known.path,
        known.query,
        known.fragment,
    )
    return is_same and is_any_port and known.hostname in LOOPBACK and asked.username is None
