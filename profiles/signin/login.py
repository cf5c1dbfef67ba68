"""Sign in at Spotify: `make login`, or `python -m profiles.signin.login`.

Opens the consent page, waits for the browser to come back to SPOTIFY_REDIRECT_URI on this machine, and stores
the sign-in. Where the browser runs on another machine, paste the address that it was sent to.

Exit status: 0 signed in, 1 failed or declined, 2 bad settings or no answer, 3 deferred by a quota.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import sys
import threading
import time
import webbrowser
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from profiles import redaction
from profiles.database import open_database
from profiles.errors import InputError, TrackerError
from profiles.settings import load_settings
from profiles.signin.callback import CallbackServer, Page, serving
from profiles.signin.consent import LIFE, LOOPBACK, check_redirect, finish_login, start_login

if TYPE_CHECKING:
    from collections.abc import Sequence

    from profiles.database import Database
    from profiles.settings import Settings
    from profiles.signin.consent import PendingLogin, SignedIn

DEFAULT_PATIENCE_S = 300
LONGEST_PATIENCE_S = int(LIFE.total_seconds())
LONGEST_LINE = 1 << 16
OVER = Page("This sign-in is over", ("Go back to the terminal.",))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one login; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        settings = load_settings()
        redaction.install(settings.secrets())
        check_redirect(settings.spotify_redirect_uri)
        signed_in = _log_in(settings, open_database(settings), options)
    except TrackerError as error:
        _say(str(error), to=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        _say("\nStopped; nothing was stored.", to=sys.stderr)
        return 1
    _say(f"Signed in as {signed_in.display_name}. Spotify ends this on {signed_in.expires_on:%Y-%m-%d}.")
    for warning in signed_in.warnings:
        _say(f"  {warning}")
    if signed_in.refused:
        _say("To grant it, sign in again and accept everything that is asked for.")
    return 0


@dataclass
class _Attempts:
    """Takes addresses from the browser and the terminal until one of them settles the login."""

    settings: Settings
    database: Database
    pending: PendingLogin
    outcome: SignedIn | TrackerError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    wake: tuple[int, int] = field(default_factory=os.pipe)

    def take(self, address: str) -> SignedIn | TrackerError:
        """Try an address. An InputError settles nothing: the next address may be the right one."""
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

    def answer(self, address: str) -> Page:
        """Try the address that a browser came with; return the page for it."""
        if self.outcome is not None:
            return OVER
        result = self.take(address)
        if isinstance(result, InputError):
            return Page("Refused", (result.message, result.remedy), HTTPStatus.BAD_REQUEST)
        if isinstance(result, TrackerError):
            return Page("Not signed in", (result.message, result.remedy))
        return Page(
            "Signed in",
            (f"as {result.display_name}. You can close this page.", *result.warnings),
        )

    def shown(self) -> None:
        """Wake the terminal when the last page is out, not before: the process ends then."""
        if self.outcome is not None:
            os.write(self.wake[1], b".")


def _log_in(settings: Settings, database: Database, options: argparse.Namespace) -> SignedIn:
    with ExitStack() as stack:
        server = None if options.paste else _listener(settings.spotify_redirect_uri)
        may_paste = options.paste or sys.stdin.isatty()
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
            stack.enter_context(serving(server, attempts.answer, attempts.shown))
        _invite(pending, options, is_listening=server is not None, may_paste=may_paste)
        result = _wait(attempts, options.timeout, may_paste=may_paste)
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
    result = attempts.take(text)
    if isinstance(result, InputError):
        _say(f"{result} Paste again:")
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


def _invite(
    pending: PendingLogin, options: argparse.Namespace, *, is_listening: bool, may_paste: bool
) -> None:
    _say(f"Open this page and agree:\n\n  {pending.address}\n")
    if is_listening:
        _say(f"Waiting at {pending.redirect_uri} for {options.timeout} seconds.")
    if may_paste:
        _say(
            "If the browser runs on another machine, it ends on a page that cannot be reached: copy that\n"
            "page's address from the browser, paste it here, and press Enter."
        )
    if not options.paste and not options.no_browser and _has_screen():
        with suppress(webbrowser.Error):
            webbrowser.open(pending.address)


def _has_screen() -> bool:
    # without one, webbrowser would start a text browser inside this terminal
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _say(text: str, to: TextIO | None = None) -> None:
    print(text, file=to or sys.stdout, flush=True)


def _patience(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= LONGEST_PATIENCE_S:
        raise argparse.ArgumentTypeError(
            f"between 1 and {LONGEST_PATIENCE_S}: Spotify's code lives no longer"
        )
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m profiles.signin.login",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="On a machine without a browser use --paste, or let the browser of another one reach it:\n"
        "  ssh -L 8888:127.0.0.1:8888 HOST",
    )
    parser.add_argument("--paste", action="store_true", help="do not listen; the address is pasted here")
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    parser.add_argument(
        "--timeout",
        type=_patience,
        default=DEFAULT_PATIENCE_S,
        metavar="SECONDS",
        help="how long to wait for the answer (default: %(default)s, at most 600)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
