"""Faults on demand: which call fails, how, and how often. Some calls hang until they are released."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

FaultKind = Literal[
    "rate_limited",  # 429 with Retry-After, not applied
    "quota_exceeded",  # 429 with Retry-After and reason QUOTA_EXCEEDED, not applied
    "server_error",  # 5xx, not applied
    "server_error_after",  # applied, then 5xx
    "timeout",  # no answer for `delay_s`, then the connection is dropped; not applied
    "timeout_after",  # applied, no answer for `delay_s`, then the connection is dropped
    "drop_before",  # connection reset, not applied
    "drop_after",  # applied, then connection reset
    "drop_midway",  # applied, then half of the answer
    "hang_before",  # waits until released (then goes on) or the client is gone (then not applied)
    "hang_after",  # applied, then waits until released (then answers) or the client is gone
    "premium_lapsed",  # 403 in plain text
    "not_allow_listed",  # 403, user not registered in the dashboard
    "forbidden",  # 403
    "not_found",  # 404
    "bad_request",  # 400
    "expired_token",  # 401
    "revoked_refresh_token",  # 400 invalid_grant of the token endpoint
    "stale_snapshot",  # answers with the snapshot id from before the last write
    "callback",  # from Python only: `action` runs, then the call goes on
]
HANGS: Final = ("hang_before", "hang_after", "timeout", "timeout_after")
AFTER: Final = ("server_error_after", "timeout_after", "drop_after", "drop_midway", "hang_after")
PREMIUM_TEXT: Final = (
    "Active premium subscription required for the owner of the app. "
    "When the subscription status changes, it can take a few hours for the change to be reflected."
)


@dataclass
class Fault:
    """One fault.

    It strikes the `nth` matching call and the `times` - 1 calls after it (None: all calls after it). `path`
    is a path below /v1 or of the accounts service. It may be a template (`/playlists/{id}/items`); `*`
    matches anything.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    retry_after: int | None = None
    status: int | None = None
    message: str | None = None
    is_text: bool = False
    delay_s: float = 120.0
    action: Callable[[], object] | None = None
    id: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if not self.path.startswith(("/", "*")):
            self.path = f"/{self.path}"
        parts = re.split(r"(\{\w+\}|\*)", self.path)
        regex = "".join(
            ".*" if part == "*" else "[^/]+" if part.startswith("{") else re.escape(part) for part in parts
        )
        self._pattern = re.compile(regex)

    @property
    def is_after(self) -> bool:
        """Whether the call is applied before the fault strikes."""
        return self.kind in AFTER

    @property
    def is_hang(self) -> bool:
        """Whether the call hangs."""
        return self.kind in HANGS

    def strikes(self, method: str, path: str) -> bool:
        """Count this call if it matches, and return whether the fault strikes it."""
        if self.method not in ("*", method) or not self._pattern.fullmatch(path):
            return False
        self.matched += 1
        is_due = self.matched >= self.nth
        return is_due and (self.times is None or self.matched < self.nth + self.times)

    def as_json(self) -> dict[str, Any]:
        """Return the fault as a JSON object."""
        shape = asdict(self)
        del shape["action"]
        return shape


@dataclass
class Hang:
    """A call that hangs now."""

    method: str
    path: str
    kind: str
    is_applied: bool
    released: asyncio.Event = field(repr=False)
    loop: asyncio.AbstractEventLoop = field(repr=False)
    is_going_on: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the hanging call as a JSON object."""
        return {"method": self.method, "path": self.path, "kind": self.kind, "is_applied": self.is_applied}


class Faults:
    """The faults that are set, and the calls that hang because of them."""

    def __init__(self) -> None:
        self.all: list[Fault] = []
        self.hanging: list[Hang] = []
        self._ids = itertools.count(1)
        self._changed = threading.Condition()

    def add(self, kind: FaultKind, method: str = "*", path: str = "*", **details: Any) -> Fault:
        """Set a fault. `details` are further fields of `Fault`.

        If several match, the first one set strikes.
        """
        fault = Fault(kind, method, path, id=next(self._ids), **details)
        self.all.append(fault)
        return fault

    def on(
        self, method: str, path: str, action: Callable[[], object], *, nth: int = 1, times: int | None = 1
    ) -> Fault:
        """Run `action` before the nth matching call, which then goes on.

        It simulates a user who edits meanwhile.
        """
        return self.add("callback", method, path, action=action, nth=nth, times=times)

    def remove(self, fault_id: int) -> None:
        """Remove one fault."""
        self.all = [fault for fault in self.all if fault.id != fault_id]

    def clear(self) -> None:
        """Remove all faults and let hanging calls go on."""
        self.all.clear()
        self.release()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes this call, if any. Every fault counts the calls that match it."""
        striking = [fault for fault in self.all if fault.strikes(method, path)]
        if not striking:
            return None
        striking[0].fired += 1
        return striking[0]

    # -- calls that hang

    def wait_for_hang(self, timeout_s: float = 10.0) -> Hang | None:
        """Block until a call hangs, None after `timeout_s`. For a test's thread, not for the server's."""
        with self._changed:
            self._changed.wait_for(lambda: self.hanging, timeout_s)
            return self.hanging[0] if self.hanging else None

    def wait_for_no_hang(self, timeout_s: float = 10.0) -> bool:
        """Block until no call hangs, and return whether that happened within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.hanging, timeout_s)

    def release(self) -> None:
        """Let every hanging call go on."""
        with self._changed:
            for hang in self.hanging:
                hang.is_going_on = True
                if not hang.loop.is_closed():
                    hang.loop.call_soon_threadsafe(hang.released.set)

    async def hold(self, fault: Fault, method: str, path: str, client_gone: Callable[[], Any]) -> bool:
        """Hold a call. Returns True when it was released, False when its client is gone or its time is up."""
        hang = Hang(method, path, fault.kind, fault.is_after, asyncio.Event(), asyncio.get_running_loop())
        with self._changed:
            self.hanging.append(hang)
            self._changed.notify_all()
        waits = [asyncio.ensure_future(hang.released.wait()), asyncio.ensure_future(client_gone())]
        is_limited = fault.kind.startswith("timeout")
        try:
            await asyncio.wait(
                waits, timeout=fault.delay_s if is_limited else None, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
            with self._changed:
                self.hanging.remove(hang)
                self._changed.notify_all()
        return hang.is_going_on
