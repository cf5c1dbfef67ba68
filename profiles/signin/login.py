"""Sign in at Spotify from a terminal.

Opens the consent page, waits for the browser to come back to SPOTIFY_REDIRECT_URI on this machine, and stores
the sign-in. Where the browser runs on another machine, its user pastes the address that it was sent to.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
import webbrowser
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from profiles import terminal
from profiles.errors import InputError, TrackerError
from profiles.signin.callback import CallbackServer, Page, serving
from profiles.signin.consent import LOOPBACK, finish_login, start_login

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.signin.consent import PendingLogin, SignedIn

LONGEST_LINE = 1 << 16
OVER = Page("This sign-in is over", ("Go back to the terminal.",))


@dataclass
class _Attempts:
    """Tries the addresses that arrive from the browser and the terminal, until one finishes the login."""

    settings: Settings
    database: Database
    pending: PendingLogin
    outcome: SignedIn | TrackerError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    wake: tuple[int, int] = field(default_factory=os.pipe)

    def try_address(self, address: str) -> SignedIn | TrackerError:
        """Try to finish the login with an address. After an InputError another address may be tried."""
        with self.lock:
            if self.outcome is not None:
                return self.outcome
            try:
                result: SignedIn | TrackerError = finish_login(
                    self.settings, self.database, self.pending, address
                )
            except TrackerError as error:
                result = error
            if not isinstance(result, InputError):
                self.outcome = result
            return result

    def page_for(self, address: str) -> Page:
        """Try the address that a browser requested, and return the page to show."""
        if self.outcome is not None:
            return OVER
        result = self.try_address(address)
        if isinstance(result, InputError):
            return Page("Refused", (result.message, result.remedy), HTTPStatus.BAD_REQUEST)
        if isinstance(result, TrackerError):
            return Page("Not signed in", (result.message, result.remedy))
        return Page(
            "Signed in",
            (f"as {result.display_name}. You can close this page.", *result.warnings),
        )

    def after_page(self) -> None:
        """Wake the waiting terminal. Call it after the last page was sent, because the process ends then."""
        if self.outcome is not None:
            os.write(self.wake[1], b".")


def log_in(
    settings: Settings, database: Database, *, paste: bool, opens_browser: bool, patience_s: int
) -> SignedIn:
    """Sign in; returns who it is, once the sign-in is stored.

    `paste`: do not listen, the address is typed. Raises InputError where nobody answers within `patience_s`,
    and what `finish_login` raises.
    """
    with ExitStack() as stack:
        server = None if paste else _listener(settings.spotify_redirect_uri)
        may_paste = paste or sys.stdin.isatty()
        if server is None and not may_paste:
            raise InputError(
                f"Nothing can listen at {settings.spotify_redirect_uri} now, and nobody is at the terminal.",
                remedy="Free its port, choose another (here and in the dashboard), or use --paste.",
            )
        pending = start_login(
            settings, database, redirect_uri=server.redirect_uri if server is not None else None
        )
        attempts = _Attempts(settings, database, pending)
        for end in attempts.wake:
            stack.callback(os.close, end)
        if server is not None:
            stack.enter_context(server)
            stack.enter_context(serving(server, attempts.page_for, attempts.after_page))
        listens_s = patience_s if server is not None else None
        _invite(pending, listens_s=listens_s, may_paste=may_paste)
        if opens_browser and not paste and _has_screen():
            with suppress(webbrowser.Error):
                webbrowser.open(pending.address)
        result = _wait(attempts, patience_s, may_paste=may_paste)
    if isinstance(result, TrackerError):
        raise result
    return result


def _wait(attempts: _Attempts, patience_s: float, *, may_paste: bool) -> SignedIn | TrackerError:
    deadline = time.monotonic() + patience_s
    browser = attempts.wake[0]
    terminal = sys.stdin.fileno() if may_paste else browser
    typed = b""
    while True:
        ready, _, _ = select.select({browser, terminal}, [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return InputError(f"No answer came within {patience_s:.0f} seconds; nothing was stored.")
        if browser in ready and attempts.outcome is not None:
            return attempts.outcome
        chunk = os.read(terminal, LONGEST_LINE)
        # the end of a pipe ends its last line too
        *lines, typed = (typed + (chunk or b"\n")).split(b"\n")
        for line in lines:
            if settled := _try_line(attempts, line):
                return settled
        if not chunk:
            return InputError("No address was given; nothing was stored.", remedy="Paste it, then Enter.")


def _try_line(attempts: _Attempts, line: bytes) -> SignedIn | TrackerError | None:
    text = line.decode("utf-8", "replace").strip()
    if not text:
        return None
    result = attempts.try_address(text)
    if isinstance(result, InputError):
        terminal.say(f"{result} Paste again:")
        return None
    return result


def _listener(redirect_uri: str) -> CallbackServer | None:
    parts = urlsplit(redirect_uri)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return None  # somebody else answers there; its address can be pasted
    try:
        return CallbackServer(redirect_uri)
    except OSError:
        return None


def _invite(pending: PendingLogin, *, listens_s: int | None, may_paste: bool) -> None:
    terminal.say(f"Open this page and agree:\n\n  {pending.address}\n")
    if listens_s is not None:
        terminal.say(f"Waiting at {pending.redirect_uri} for {listens_s} seconds.")
    if may_paste:
        terminal.say(
            "If the browser runs on another machine, it ends on a page that cannot be reached: copy that",
            "page's address from the browser, paste it here, and press Enter.",
        )


def _has_screen() -> bool:
    # without one, webbrowser would start a text browser inside this terminal
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
