"""Starts and stops the server of the simulated account, and calls its control endpoints."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from demo.place import Place, sandbox
from flows.server.processes import wait_until
from profiles.errors import TrackerError
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS_WITHIN_S = 120
ANSWERS_WITHIN_S = 300


class Account:
    """The control endpoints of the sandbox that answers at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call /sandbox/<path> and return its JSON answer. Raises OSError."""
        request = urllib.request.Request(  # noqa: S310  # the address is that of our own sandbox
            f"{self.url}/sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:  # noqa: S310  # as above
            return json.load(answer)

    @property
    def now(self) -> datetime:
        """The simulated time of the account."""
        return datetime.fromisoformat(self.ask("GET", "state")["now"])

    def live_until(self, moment: datetime) -> dict[str, int]:
        """Move the account's time forward. Returns how many plays, likes and saved albums were added."""
        more: dict[str, int] = self.ask("POST", "advance", {"until": moment.isoformat()})["more"]
        return more

    def calls(self) -> dict[str, Any]:
        """Return the totals of all calls since the record was last cleared."""
        totals: dict[str, Any] = self.ask("GET", "calls?limit=0")
        return totals

    def playlists(self) -> dict[str, dict[str, Any]]:
        """Return every playlist of the library with its entries, by id. The API may show less."""
        return {one["id"]: one for one in self.ask("GET", "playlists") if one["is_in_library"]}


@contextmanager
def served(place: Place, *options: str) -> Iterator[Account]:
    """Serve the account until the block ends, and yield its controls.

    Raises TrackerError if it does not start.
    """
    process = launch(place, *options)
    try:
        yield Account(url_of(place))
    finally:
        process.terminate()
        process.wait(timeout=30)


def launch(place: Place, *options: str) -> subprocess.Popen[bytes]:
    """Start the account's server and return when it answers. Its output goes to `spotify.log`.

    Raises TrackerError.
    """
    place.home.mkdir(parents=True, exist_ok=True)
    log = place.home / "spotify.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "serve", "--home", str(place.account), *options],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def is_settled() -> bool:
        return process.poll() is not None or "sandbox ready" in log.read_text(errors="replace")

    if not wait_until(is_settled, timeout_s=STARTS_WITHIN_S) or process.poll() is not None:
        process.kill()
        raise TrackerError(f"The simulated account does not start: {log.read_text(errors='replace')[-500:]}")
    return process


def url_of(place: Place) -> str:
    """Return the address at which the account is served."""
    return f"http://127.0.0.1:{(place.account / 'port').read_text().strip()}"


def start(place: Place) -> str:
    """Serve the account in real time until `stop`, and return a line to print. May be called repeatedly."""
    done = sandbox(place, "state", check=False)
    state = json.loads(done.stdout) if done.returncode == 0 else {}
    if state.get("is_running"):
        if state.get("is_live"):
            return f"account    {state['url']} (running)"
        raise TrackerError("A demo is running on the simulated account.", remedy="Wait for its end.")
    launch(place, "--live")
    return f"account    {url_of(place)}, a simulated Spotify whose owner goes on listening"


def stop(place: Place) -> str:
    """Stop the account's server, and return a line to print."""
    return f"account    {sandbox(place, 'stop').stdout.strip()}"
