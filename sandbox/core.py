"""A sandbox: one account, how it is served, what was called, and where it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sandbox.account.account import Account, real_now
from sandbox.api.endpoints import find_endpoint
from sandbox.api.oauth import Tokens
from sandbox.control.accounting import Accounting, Call
from sandbox.control.faults import Faults

if TYPE_CHECKING:
    from sandbox.api.shapes import Mode

LIVE_STEP = timedelta(seconds=1)


class Keeper(Protocol):
    """What keeps a sandbox beyond its process (`sandbox.storage` does, in a home folder)."""

    def store(self, sandbox: Sandbox, call: Call | None) -> None:
        """Store what has changed in the sandbox, and the call that changed it."""

    def forget_calls(self) -> None:
        """Forget every stored call."""


@dataclass
class Sandbox:
    """Everything that the server serves. With `is_live` the account lives on at the real time."""

    account: Account = field(default_factory=Account)
    mode: Mode = "new-dev"
    is_live: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    faults: Faults = field(default_factory=Faults)
    calls: Accounting = field(default_factory=Accounting)
    storage: Keeper | None = None

    def open_call(self, method: str, path: str, query: str) -> Call:
        """Note a call as it arrives; its status comes when it is answered."""
        endpoint = find_endpoint(method, path)
        is_removed = endpoint is not None and endpoint.is_removed
        call = Call(
            method,
            path,
            query,
            endpoint.template if endpoint else path,
            endpoint.family if endpoint else "unknown",
            is_removed,
            real_now(),
        )
        self.calls.all.append(call)
        return call

    def keep_time(self) -> None:
        """In a live account, live through what has passed since the last call."""
        if self.is_live and self.account.life is not None:
            now = real_now()
            if now - self.account.clock.base > LIVE_STEP:
                self.account.advance_to(now)

    def store(self, call: Call | None = None) -> None:
        """Store what has changed; called before a change is acknowledged."""
        if self.storage is not None:
            self.storage.store(self, call)
        else:
            self.account.settle()
