"""Hands out access tokens, and renews them in one process at a time. It never waits for a person."""

from __future__ import annotations

import calendar
import hashlib
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from profiles.clock import real_now
from profiles.database import advisory_lock
from profiles.errors import AuthorizationLost, SpotifyUnavailable, WrongAccount
from profiles.redaction import hide
from profiles.settings import require_spotify_app
from profiles.signin import token_endpoint
from profiles.signin.scopes import missing_from
from profiles.signin.token_store import StoredToken, TokenStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.signin.token_endpoint import Grant

logger = logging.getLogger(__name__)

MARGIN = timedelta(seconds=60)
WARN_AFTER_DAYS = 150
LIFETIME_MONTHS = 6  # from the consent; refreshing does not prolong it
LONGEST_WAIT_S = 90  # for another process that renews the token
NOBODY_YET = "Sign in: `tracker login`, or put a SPOTIFY_REFRESH_TOKEN into .env."
REMEDY = (
    "Sign in again: `tracker login`, or put a new SPOTIFY_REFRESH_TOKEN into .env. Nothing collected is lost."
)


@dataclass(frozen=True)
class TokenStatus:
    """The stored sign-in, as known without a call to Spotify. `age_days` is None if it was imported."""

    is_signed_in: bool
    is_valid: bool
    authorized_at: datetime | None
    age_days: int | None
    expires_on: datetime | None
    missing_scopes: tuple[str, ...]
    is_encrypted: bool


class Tokens:
    """The tokens of one account. spotipy uses it as its auth manager.

    `who_am_i` returns GET /me for a token that is not stored yet: it is stored only if its account is the
    right one.
    """

    def __init__(
        self, settings: Settings, database: Database, *, who_am_i: Callable[[str], dict[str, Any]]
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = TokenStore(settings, database)
        self._who_am_i = who_am_i
        self._current: StoredToken | None = None
        self._has_warned = False
        self._lock = threading.RLock()

    def get_access_token(self, as_dict: bool = False) -> str:  # noqa: ARG002  # spotipy's signature
        """Return an access token that is valid for at least another minute.

        Raises AuthorizationLost, WrongAccount, SpotifyUnavailable (5xx is no lost sign-in) and SettingsError.
        """
        with self._lock:
            token = _usable(self._current, self._client_id, rejected=None)
            return token or self._obtain(rejected=None)

    def renew(self, rejected: str) -> None:
        """Replace an access token that Spotify refused, unless another process has replaced it already."""
        with self._lock:
            self._obtain(rejected=rejected)

    def adopt(self, grant: Grant, *, authorized_at: datetime | None) -> None:
        """Store the grant of a login after checking its account.

        It wins over SPOTIFY_REFRESH_TOKEN from now on. Raises WrongAccount; the stored sign-in stays then.
        """
        with self._lock, self._token_lock():
            self._store_if_right_account(
                grant, grant.refresh_token or "", authorized_at=authorized_at, fingerprint=None
            )
            fingerprint = self._fingerprint_in_settings()
            if fingerprint:
                self._store.record_import(fingerprint, "superseded")

    def forget(self) -> bool:
        """Delete the sign-in and return whether there was one. SPOTIFY_REFRESH_TOKEN is not imported again.

        Waits for a process that renews the token, which would otherwise store it again after the deletion.
        """
        with self._lock, self._token_lock():
            was_there = self._store.forget()
            fingerprint = self._fingerprint_in_settings() if self._settings.spotify_client_id else None
            if fingerprint:
                self._store.record_import(fingerprint, "superseded", "disconnected")
            self._current = None
            return was_there

    def status(self) -> TokenStatus:
        """Return the state of the stored sign-in. Makes no call."""
        stored = self._store.load()
        if stored is None:
            return TokenStatus(False, False, None, None, None, (), False)
        is_valid = stored.invalid_since is None or stored.client_id != self._settings.spotify_client_id
        return TokenStatus(
            is_signed_in=True,
            is_valid=is_valid,
            authorized_at=stored.authorized_at,
            age_days=(real_now() - stored.authorized_at).days if stored.authorized_at else None,
            expires_on=end_of_life(stored.authorized_at) if stored.authorized_at else None,
            missing_scopes=missing_from(stored.scope or None),
            is_encrypted=self._settings.tracker_secret_key is not None,
        )

    @property
    def _client_id(self) -> str:
        return require_spotify_app(self._settings)

    def _obtain(self, rejected: str | None) -> str:
        # first without the lock: usually another process has renewed the token already
        token = None if self._has_new_import() else self._use_stored(rejected)
        if token is not None:
            return token
        with self._token_lock():
            if self._has_new_import():
                self._import()
            token = self._use_stored(rejected)
            return token if token is not None else self._refresh()

    @contextmanager
    def _token_lock(self) -> Iterator[None]:
        with advisory_lock(self._database, "token", wait=True, timeout_s=LONGEST_WAIT_S) as is_held:
            if not is_held:
                raise SpotifyUnavailable("Another process has been renewing the sign-in for too long.")
            yield

    def _use_stored(self, rejected: str | None) -> str | None:
        stored = self._store.load()
        token = _usable(stored, self._client_id, rejected)
        if token is not None:
            self._use(stored)
        return token

    def _refresh(self) -> str:
        stored = self._store.load()
        if stored is None:
            raise AuthorizationLost("No Spotify account is connected.", remedy=NOBODY_YET)
        if stored.invalid_since and stored.client_id == self._client_id:
            raise _sign_in_ended(stored.invalid_since)
        try:
            grant = token_endpoint.refresh(self._settings, stored.refresh_token)
        except token_endpoint.GrantRefused:
            now = real_now()
            self._store.save(replace(stored, client_id=self._client_id, access_token=None, invalid_since=now))
            raise _sign_in_ended(now) from None
        kept = replace(
            _as_stored(grant, self._client_id, stored.refresh_token, stored.scope),
            authorized_at=stored.authorized_at,
            imported_fingerprint=stored.imported_fingerprint,
        )
        self._store.save(kept)
        return self._use(kept)

    def _use(self, stored: StoredToken | None) -> str:
        assert stored is not None  # noqa: S101  # for the type checker
        assert stored.access_token is not None  # noqa: S101
        hide([stored.access_token, stored.refresh_token])
        self._current = stored
        self._warn_of_age(stored)
        return stored.access_token

    def _warn_of_age(self, stored: StoredToken) -> None:
        if self._has_warned or stored.authorized_at is None:
            return
        self._has_warned = True
        if (real_now() - stored.authorized_at).days >= WARN_AFTER_DAYS:
            logger.warning(
                "the sign-in at Spotify ends on %s; renew it before: `tracker login`",
                end_of_life(stored.authorized_at).date(),
            )

    def _token_in_settings(self) -> str | None:
        token = self._settings.spotify_refresh_token
        return token.get_secret_value() if token else None

    def _fingerprint_in_settings(self) -> str | None:
        offered = self._token_in_settings()
        # with the app's id: a token that was refused under a wrong id is tried again under the right one
        return hashlib.sha256(f"{self._client_id} {offered}".encode()).hexdigest() if offered else None

    def _has_new_import(self) -> bool:
        fingerprint = self._fingerprint_in_settings()
        if fingerprint is None:
            return False
        verdict = self._store.import_verdict(fingerprint)
        if verdict is None:
            return True
        kind, detail = verdict
        if kind == "wrong_account":
            raise WrongAccount(
                detail or "SPOTIFY_REFRESH_TOKEN belongs to another account than this database.",
                remedy="Take SPOTIFY_REFRESH_TOKEN away, or use another database for that account.",
            )
        stored = self._store.load()
        if kind == "invalid" and stored is None:
            raise AuthorizationLost("Spotify refused SPOTIFY_REFRESH_TOKEN (invalid_grant).", remedy=REMEDY)
        return kind == "imported" and stored is None  # the stored token was lost, as after a restore

    def _import(self) -> None:
        offered, fingerprint = self._token_in_settings(), self._fingerprint_in_settings()
        assert offered is not None  # noqa: S101  # for the type checker
        assert fingerprint is not None  # noqa: S101
        hide([offered])
        try:
            grant = token_endpoint.refresh(self._settings, offered)
        except token_endpoint.GrantRefused:
            self._store.record_import(fingerprint, "invalid")
            if self._store.load() is None:
                raise AuthorizationLost(
                    "Spotify refused SPOTIFY_REFRESH_TOKEN (invalid_grant).", remedy=REMEDY
                ) from None
            logger.warning("Spotify refused the new SPOTIFY_REFRESH_TOKEN; the stored sign-in is used")
            return
        try:
            self._store_if_right_account(grant, offered, authorized_at=None, fingerprint=fingerprint)
        except WrongAccount as error:
            self._store.record_import(fingerprint, "wrong_account", error.message)
            raise
        self._store.record_import(fingerprint, "imported")

    def _store_if_right_account(
        self, grant: Grant, refresh_token: str, *, authorized_at: datetime | None, fingerprint: str | None
    ) -> None:
        hide([grant.access_token, grant.refresh_token])
        self._store.claim_account(self._who_am_i(grant.access_token))
        kept = replace(
            _as_stored(grant, self._client_id, refresh_token, None),
            authorized_at=authorized_at,
            imported_fingerprint=fingerprint,
        )
        self._store.save(kept)
        self._use(kept)


def end_of_life(authorized_at: datetime) -> datetime:
    """Return the end of a consent, six calendar months after it, in UTC."""
    month = authorized_at.month - 1 + LIFETIME_MONTHS
    year, month = authorized_at.year + month // 12, month % 12 + 1
    day = min(authorized_at.day, calendar.monthrange(year, month)[1])
    return authorized_at.astimezone(UTC).replace(year=year, month=month, day=day)


def _usable(stored: StoredToken | None, client_id: str, rejected: str | None) -> str | None:
    if stored is None or stored.client_id != client_id or stored.access_token in {None, rejected}:
        return None
    is_fresh = stored.expires_at is not None and stored.expires_at - MARGIN > real_now()
    return stored.access_token if is_fresh else None


def _as_stored(grant: Grant, client_id: str, refresh_token: str, scope: str | None) -> StoredToken:
    # Spotify mostly sends no new refresh token, and the present one stays valid
    return StoredToken(
        client_id,
        grant.refresh_token or refresh_token,
        grant.access_token,
        real_now() + timedelta(seconds=grant.expires_in_s),
        grant.scope or scope,
    )


def _sign_in_ended(since: datetime) -> AuthorizationLost:
    return AuthorizationLost(
        f"Spotify ended the sign-in (invalid_grant, noticed {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC).",
        remedy=REMEDY,
    )
