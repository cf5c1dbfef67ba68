"""The state of one sandbox: the account, the mode, tokens, faults, the record of calls, and the storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sandbox.account.account import Account, real_now
from sandbox.api.endpoints import find_endpoint
from sandbox.api.oauth import IssuedTokens
from sandbox.control.accounting import Accounting, Call
from sandbox.control.faults import Faults

if TYPE_CHECKING:
    from sandbox.api.shapes import Mode

LIVE_STEP = timedelta(seconds=1)


class SandboxStorage(Protocol):
    """Stores a sandbox so that it outlives its process. `sandbox.storage.Storage` is the implementation."""

    def store(self, sandbox: Sandbox, call: Call | None) -> None:
        """Store every change since the last store, and the call that caused them."""

    def forget_calls(self) -> None:
        """Forget every stored call."""


@dataclass
class Sandbox:
    """Everything that the server needs. With `is_live` the account's time follows the real time."""

    account: Account = field(default_factory=Account)
    mode: Mode = "new-dev"
    is_live: bool = False
    tokens: IssuedTokens = field(default_factory=IssuedTokens)
    faults: Faults = field(default_factory=Faults)
    calls: Accounting = field(default_factory=Accounting)
    storage: SandboxStorage | None = None

    def open_call(self, method: str, path: str, query: str) -> Call:
        """Record a call when it arrives. Its `status` is filled in when it is answered."""
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

    def follow_real_time(self) -> None:
        """Move a live account's time up to the real time, in steps of at least a second."""
        if self.is_live and self.account.life is not None:
            now = real_now()
            if now - self.account.clock.base > LIVE_STEP:
                self.account.advance_to(now)

    def store(self, call: Call | None = None) -> None:
        """Store all changes. Call it before a change is acknowledged to the client."""
        if self.storage is not None:
            self.storage.store(self, call)
        else:
            self.account.mark_stored()
