"""Runs a sandbox inside a test."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.account.builders import small_account
from sandbox.api.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from sandbox.core import Sandbox
from sandbox.server import HOST, ThreadedServer
from sandbox.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.account.account import Account
    from sandbox.api.oauth import IssuedTokens
    from sandbox.api.shapes import Mode
    from sandbox.control.accounting import Accounting
    from sandbox.control.faults import Faults


@dataclass
class RunningSandbox:
    """A sandbox that answers at `url`. The test's thread may use its account, faults and calls directly."""

    sandbox: Sandbox
    port: int
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    refresh_token: str = REFRESH_TOKEN

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def api_url(self) -> str:
        """The value for SPOTIFY_API_URL."""
        return f"{self.url}/v1/"

    @property
    def accounts_url(self) -> str:
        """The value for SPOTIFY_ACCOUNTS_URL."""
        return f"{self.url}/"

    @property
    def account(self) -> Account:
        """The account that is served."""
        return self.sandbox.account

    @property
    def calls(self) -> Accounting:
        """The record of all calls."""
        return self.sandbox.calls

    @property
    def faults(self) -> Faults:
        """The faults to strike calls with."""
        return self.sandbox.faults

    @property
    def tokens(self) -> IssuedTokens:
        """The tokens that the accounts service has issued."""
        return self.sandbox.tokens

    @property
    def market(self) -> str:
        """The country of the account, such as DE."""
        return self.account.profile.country

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make a client use this sandbox."""
        return {
            "SPOTIFY_API_URL": self.api_url,
            "SPOTIFY_ACCOUNTS_URL": self.accounts_url,
            "SPOTIFY_CLIENT_ID": self.client_id,
            "SPOTIFY_CLIENT_SECRET": self.client_secret,
            "SPOTIFY_REFRESH_TOKEN": self.refresh_token,
            "SPOTIFY_REDIRECT_URI": f"http://{HOST}:8888/callback",
            "SPOTIFY_MARKET": self.market,
        }

    def access_token(self) -> str:
        """Return a valid access token without an HTTP call."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        secret = {"client_id": self.client_id, "client_secret": self.client_secret}
        return str(self.tokens.exchange(form | secret, None)["access_token"])


@contextmanager
def running_sandbox(
    account: Account | None = None,
    mode: Mode = "new-dev",
    *,
    is_live: bool = False,
    port: int = 0,
    home: Path | None = None,
) -> Iterator[RunningSandbox]:
    """Serve an account in a thread until the block ends. The default is `small_account` on a free port.

    With `home` the sandbox is stored there; if the home holds an account already, that one is served.
    """
    storage = None if home is None else Storage(home)
    if storage is not None and not storage.is_empty:
        sandbox = storage.load()
    else:
        sandbox = Sandbox(account if account is not None else small_account(), mode, storage=storage)
        if storage is not None:
            storage.create(sandbox)
    sandbox.is_live = is_live
    server = ThreadedServer(sandbox, port)
    server.start()
    try:
        yield RunningSandbox(sandbox, server.port)
    finally:
        server.stop()
        if storage is not None:
            storage.close()
