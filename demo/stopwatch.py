"""Measures how long each part of the demo takes."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET_S = 4.5
"""For how long nothing is said at most."""


@dataclass
class Stopwatch:
    """The real time that each part took, in seconds."""

    began: float = field(default_factory=time.monotonic)
    last: float = 0.0
    parts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time until the block ends to a part; say every few seconds that it goes on."""
        began = time.monotonic()
        is_over = threading.Event()
        telling = threading.Thread(target=self._tell, args=(name, is_over), daemon=True)
        telling.start()
        try:
            yield
        finally:
            is_over.set()
            telling.join()
            self.last = time.monotonic() - began
            self.parts[name] += self.last

    @property
    def total(self) -> float:
        """The seconds since the beginning."""
        return time.monotonic() - self.began

    def _tell(self, name: str, is_over: threading.Event) -> None:
        while not is_over.wait(QUIET_S):
            self.say(f"  {name} …")

    def say(self, text: str) -> None:
        """Print a line that begins with the seconds since the beginning."""
        sys.stdout.write(f"{self.total:6.1f} s  {text}\n")
        sys.stdout.flush()
