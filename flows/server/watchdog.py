"""Brings back what died, database, Prefect's server or worker: it repeats `tracker up` until it is stopped.

`tracker up` starts it in the background; systemd or launchd may run it instead, from boot on. One per
TRACKER_HOME: a lock that the system takes away when its holder dies sees to that.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.server import processes
from flows.server.environment import authorization, is_answering
from flows.server.layout import Services
from flows.server.prefect_api import forget_coming_runs, forget_superseded_runs
from profiles import redaction
from profiles.database import embedded, locate
from profiles.errors import TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

LOOKS_EVERY_S = 5.0
PAUSE_AFTER_FAILURE_S = 30.0
ANSWER_WITHIN_S = 5.0  # a machine that is busy with a build answers slowly, and is not dead
JUMP_S = 60.0


@dataclass
class Clock:
    """Tells a clock that has jumped, or a machine that slept, from time that has passed."""

    wall: Callable[[], float] = time.time
    running: Callable[[], float] = time.monotonic  # stands still while a machine sleeps
    began: tuple[float, float] = field(default=(0.0, 0.0), init=False)

    def begin(self) -> None:
        """Remember the time from which `jump_s` counts."""
        self.began = (self.wall(), self.running())

    def jump_s(self, expected_s: float) -> float:
        """Return by how much more (or less) than expected the wall clock has moved since `begin`."""
        before, now = self.began, (self.wall(), self.running())
        is_stopped = now[1] - before[1] > expected_s + JUMP_S  # the process was stopped, not the machine
        passed = expected_s if is_stopped else now[1] - before[1]
        jump = (now[0] - before[0]) - passed
        return jump if abs(jump) > JUMP_S else 0.0


def is_whole(parts: Services) -> bool:
    """Say whether database, server and worker run and answer."""
    settings = parts.settings
    is_up = processes.running(parts.server_file) and processes.running(parts.worker_file)
    if not is_up or not is_answering(parts.api_url, timeout_s=ANSWER_WITHIN_S):
        return False
    return not locate(settings).is_embedded or embedded.is_ready(settings.tracker_home)


def after_jump(parts: Services, jump_s: float) -> None:
    """Put the schedules right after a sleep or a change of the clock.

    Of the runs missed meanwhile the latest of each deployment is made up for, at once. After a clock that was
    ahead, Prefect would plan nothing until the runs are due that it had planned: so they are planned anew.
    """
    logger.warning("the clock moved by %.0f s at once: the machine slept, or its clock was set", jump_s)
    with suppress(TrackerError):  # the server may be what the next look brings back
        if jump_s > 0:
            forget_superseded_runs(parts.api_url)
        else:
            forget_coming_runs(parts.api_url)


def watch(own_file: Path) -> None:
    """Look every few seconds, and repeat `up` where something is missing.

    It ends when its own pid file is gone: then TRACKER_HOME was deleted, and nothing must begin anew there.
    """
    clock, pause_s = Clock(), LOOKS_EVERY_S
    while own_file.exists():
        clock.begin()  # only the pause is looked at: bringing a part back takes as long as it takes
        time.sleep(pause_s)
        jump_s = clock.jump_s(pause_s)
        if own_file.exists():
            pause_s = LOOKS_EVERY_S if _look(jump_s) else PAUSE_AFTER_FAILURE_S


def _look(jump_s: float) -> bool:
    """See to it that everything runs; say whether it does, as far as is known."""
    try:
        settings = load_settings()
        os.environ.update(authorization(settings))
        parts = Services(settings)
        if not is_whole(parts):
            return _repeat_up()
        if jump_s:
            after_jump(parts, jump_s)
    except (TrackerError, OSError) as error:
        logger.warning("%s", redaction.redact(str(error)))
        return False
    return True


def _repeat_up() -> bool:
    """Do `tracker up`, with the code and the settings of now; say whether it succeeded."""
    done = subprocess.run([sys.executable, "-m", "flows", "up"], stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@contextmanager
def alone(parts: Services) -> Iterator[bool]:
    """Hold the lock of the watchdogs of this TRACKER_HOME; yield False where another one holds it."""
    parts.folder.mkdir(parents=True, exist_ok=True)
    with (parts.folder / "watchdog.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def main() -> int:
    """Watch until asked to end; returns the exit status."""
    settings = load_settings()
    redaction.install(settings.secrets())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("flows").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parts = Services(settings)
    with alone(parts) as is_alone:
        if not is_alone:
            logger.info("another watchdog is at work")
            return 0
        processes.record_own(parts.watchdog_file, {"fingerprint": parts.fingerprint()})
        watch(parts.watchdog_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
