"""The home folder of a sandbox: its lock, its port, and calls to the server that runs on it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

from sandbox.server import HOST
from sandbox.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.core import Sandbox

STOPS_WITHIN_S: Final = 15.0
ANSWERS_WITHIN_S: Final = 300.0


class HomeError(Exception):
    """The command cannot be done with this home folder. The message names the remedy."""


class Home:
    """A home folder. A running server holds its lock; the system releases the lock even after a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def port_file(self) -> Path:
        """The file that keeps the port."""
        return self.path / "port"

    @property
    def pid_file(self) -> Path:
        """The file that keeps the process id of the running server."""
        return self.path / "pid"

    @property
    def port(self) -> int | None:
        """The port used last, None if nothing was ever served."""
        return int(self.port_file.read_text()) if self.port_file.exists() else None

    @property
    def url(self) -> str:
        """The address of the server. Raises HomeError if nothing was ever served."""
        if self.port is None:
            raise HomeError(
                f"nothing was served from {self.path} yet: python -m sandbox serve --home {self.path}"
            )
        return f"http://{HOST}:{self.port}"

    def write(self, path: Path, text: str) -> None:
        """Write a file completely or not at all."""
        new = path.with_suffix(".new")
        new.write_text(text)
        new.replace(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this home. Raises HomeError while another process holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            # `is_running` of another process holds the lock for a moment
            if not _try_lock(lock, patience_s=0.3):
                raise HomeError(
                    f"a sandbox is running on {self.path}: python -m sandbox stop --home {self.path}"
                )
            yield

    def is_running(self) -> bool:
        """Whether a server is running on this home."""
        if not self.path.exists():
            return False
        with (self.path / "lock").open("w") as lock:
            return not _try_lock(lock)

    def stop(self) -> bool:
        """Stop the server and wait until it has ended. Returns False if none was running.

        Raises HomeError.
        """
        if not self.is_running():
            return False
        os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
        until = time.monotonic() + STOPS_WITHIN_S
        while self.is_running():
            if time.monotonic() > until:
                raise HomeError(f"the sandbox on {self.path} did not stop within {STOPS_WITHIN_S:.0f} s")
            time.sleep(0.05)
        return True

    @contextmanager
    def opened(self) -> Iterator[Sandbox]:
        """Yield the stored sandbox of a home without a server, and store the changes at the end."""
        with self.locked():
            storage = Storage(self.path)
            try:
                if storage.is_empty:
                    raise HomeError(
                        f"there is no account in {self.path}: python -m sandbox serve --home {self.path}"
                    )
                sandbox = storage.load()
                yield sandbox
                sandbox.store()
            finally:
                storage.close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the running server's controls and return the JSON object.

        Raises HomeError with its message.
        """
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", content, method=method)  # noqa: S310  our own
        try:
            with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:  # noqa: S310
                shape: dict[str, Any] = json.load(answer)
                return shape
        except urllib.error.HTTPError as error:
            with error:
                raise HomeError(error.read().decode()) from error


def _try_lock(lock: IO[str], patience_s: float = 0.0) -> bool:
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        else:
            return True
