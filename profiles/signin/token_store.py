"""Stores the sign-in (`ops.tokens`, encrypted if TRACKER_SECRET_KEY is set) and its account."""

from __future__ import annotations

import base64
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken

from profiles.errors import SettingsError, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import psycopg2.extensions

    from profiles.database import Database
    from profiles.settings import Settings

_LOAD = """
    select client_id, refresh_token, access_token, expires_at, scope, authorized_at, imported_fingerprint,
        invalid_since, is_encrypted
    from ops.tokens where name = 'spotify'
"""
_SAVE = """
    insert into ops.tokens (name, client_id, refresh_token, access_token, expires_at, scope, authorized_at,
        imported_fingerprint, invalid_since, is_encrypted, updated_at)
    values ('spotify', %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())
    on conflict (name) do update set client_id = excluded.client_id, refresh_token = excluded.refresh_token,
        access_token = excluded.access_token, expires_at = excluded.expires_at, scope = excluded.scope,
        authorized_at = excluded.authorized_at, imported_fingerprint = excluded.imported_fingerprint,
        invalid_since = excluded.invalid_since, is_encrypted = excluded.is_encrypted,
        updated_at = excluded.updated_at
"""
_RECORD_IMPORT = """
    insert into ops.token_imports (fingerprint, verdict, detail) values (%s, %s, %s)
    on conflict (fingerprint) do update
    set verdict = excluded.verdict, detail = excluded.detail, decided_at = now()
"""


@dataclass(frozen=True)
class StoredToken:
    """A sign-in.

    `authorized_at` is None if the token was imported (`imported_fingerprint`): its age is unknown.
    """

    client_id: str
    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scope: str | None = None
    authorized_at: datetime | None = None
    imported_fingerprint: str | None = None
    invalid_since: datetime | None = None


class TokenStore:
    """Reads and writes the sign-in. It holds no connection."""

    def __init__(self, settings: Settings, database: Database) -> None:
        key = settings.tracker_secret_key
        self._key = key.get_secret_value() if key else None
        self._database = database

    def load(self) -> StoredToken | None:
        """Return the sign-in, or None. Raises SettingsError if it cannot be decrypted."""
        with self._cursor() as cursor:
            cursor.execute(_LOAD)
            row = cursor.fetchone()
            if row is None:
                return None
            client_id, refresh_token, access_token, *rest, is_encrypted = row
            if is_encrypted:
                cipher = self._cipher(cursor)
                refresh_token = _decrypt(cipher, refresh_token)
                access_token = access_token and _decrypt(cipher, access_token)
        return StoredToken(client_id, refresh_token, access_token, *rest)

    def save(self, token: StoredToken) -> None:
        """Replace the sign-in."""
        with self._cursor() as cursor:
            cipher = self._cipher(cursor) if self._key else None
            values: list[str | datetime | bool | None] = [
                token.client_id,
                _encrypt(cipher, token.refresh_token),
                _encrypt(cipher, token.access_token),
            ]
            values += [token.expires_at, token.scope, token.authorized_at, token.imported_fingerprint]
            cursor.execute(_SAVE, [*values, token.invalid_since, cipher is not None])

    def forget(self) -> bool:
        """Delete the sign-in and logins under way. Imported tokens are not imported again.

        Returns whether there was a sign-in.
        """
        with self._cursor() as cursor:
            cursor.execute("delete from ops.pending_logins")
            cursor.execute("delete from ops.tokens")
            was_there = cursor.rowcount > 0
            cursor.execute("update ops.token_imports set verdict = 'superseded' where verdict = 'imported'")
        return was_there

    def seal(self, value: str) -> tuple[str, bool]:
        """Return (text, is_encrypted): a secret in the form in which it may be stored."""
        with self._cursor() as cursor:
            cipher = self._cipher(cursor) if self._key else None
        return _encrypt(cipher, value) or value, cipher is not None

    def unseal(self, stored: str, *, is_encrypted: bool) -> str:
        """Return the secret from the text that `seal` returned.

        Raises SettingsError if the key has changed.
        """
        if not is_encrypted:
            return stored
        with self._cursor() as cursor:
            return _decrypt(self._cipher(cursor), stored)

    def import_verdict(self, fingerprint: str) -> tuple[str, str | None] | None:
        """Return (verdict, detail) of an earlier import of SPOTIFY_REFRESH_TOKEN, None if there was none."""
        with self._cursor() as cursor:
            cursor.execute(
                "select verdict, detail from ops.token_imports where fingerprint = %s", [fingerprint]
            )
            return cursor.fetchone()

    def record_import(self, fingerprint: str, verdict: str, detail: str | None = None) -> None:
        """Store the verdict on a value of SPOTIFY_REFRESH_TOKEN, by its fingerprint."""
        with self._cursor() as cursor:
            cursor.execute(_RECORD_IMPORT, [fingerprint, verdict, detail])

    def claim_account(self, profile: dict[str, Any]) -> None:
        """Bind the database to the account of `profile` (GET /me).

        Raises WrongAccount if it belongs to another. One equal id is enough: `account_id` exists since 2026,
        and an older row has only the user id.
        """
        user_id = str(profile.get("id") or "")
        account_id = str(profile.get("account_id") or user_id)
        name = str(profile.get("display_name") or user_id or account_id)
        with self._cursor() as cursor:
            cursor.execute(
                "insert into ops.account (account_id, user_id, display_name) values (%s, %s, %s)"
                " on conflict do nothing",
                [account_id, user_id, name],
            )
            cursor.execute("select account_id, user_id, display_name from ops.account")
            known_account, known_user, known_name = cursor.fetchone() or (None, None, None)
            if account_id != known_account and (not user_id or user_id not in {known_user, known_account}):
                raise WrongAccount(
                    f"This database belongs to the Spotify account '{known_name}', the token to '{name}'.",
                    remedy="Sign in with the account that it belongs to, or use another database "
                    "(DB_NAME, or another TRACKER_HOME) for the other account.",
                )
            cursor.execute(
                "update ops.account set account_id = %s, user_id = %s", [account_id, user_id or known_user]
            )

    def _cipher(self, cursor: psycopg2.extensions.cursor) -> Fernet:
        if self._key is None:
            raise _wrong_key()
        cursor.execute("select id::text from ops.installation")
        ((installation,),) = cursor.fetchall()
        return _cipher(self._key, installation)

    @contextmanager
    def _cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        with self._database.transaction() as cursor:
            yield cursor


@lru_cache(maxsize=4)  # deriving a key takes long, on purpose
def _cipher(key: str, installation: str) -> Fernet:
    derived = hashlib.scrypt(key.encode(), salt=installation.encode(), n=2**14, r=8, p=1, dklen=32)
    return Fernet(base64.urlsafe_b64encode(derived))


def _encrypt(cipher: Fernet | None, value: str | None) -> str | None:
    return cipher.encrypt(value.encode()).decode() if cipher and value else value


def _decrypt(cipher: Fernet, value: str) -> str:
    try:
        return cipher.decrypt(value.encode()).decode()
    except InvalidToken:
        raise _wrong_key() from None


def _wrong_key() -> SettingsError:
    return SettingsError(
        "The stored sign-in is encrypted with another TRACKER_SECRET_KEY than the one given.",
        remedy="Set TRACKER_SECRET_KEY as it was, or sign in again: `tracker login`.",
    )
