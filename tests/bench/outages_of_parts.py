"""How long a play waits when a part of `tracker up` was killed or stood still.

Real server, worker, database and watchdog. A play is made after each outage; what is measured ends when it is
in `analytics.unified_tracks`. Polls come every 20 s. `--still` stops everything for so many seconds, as a
machine that sleeps does.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import Machine, eventually, running_machine

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("server", "worker", "database")
OUTAGES = {**{part: (part,) for part in PARTS}, "all at once": PARTS}


def seconds_until_counted(machine: Machine, happen: Callable[[], None], plays: int) -> int:
    """Let something happen, make a play, and wait until it is counted."""
    happen()
    began = time.monotonic()
    track_id = machine.listen()
    eventually("the play is counted", lambda: machine.is_counted(track_id, plays=plays), within_s=600)
    return round(time.monotonic() - began)


def kill(machine: Machine, parts: tuple[str, ...]) -> None:
    """SIGKILL."""
    running = machine.parts()
    for process in (each for part in parts for each in running[part]):
        process.kill()


def stand_still(machine: Machine, seconds: int) -> None:
    """SIGSTOP of all processes, the watchdog too; SIGCONT later."""
    running = [process for found in machine.parts().values() for process in found]
    for process in running:
        process.suspend()
    time.sleep(seconds)
    for process in running:
        process.resume()


def measure(machine: Machine, still_s: int) -> list[dict[str, Any]]:
    """One row for each outage."""
    rows: list[dict[str, Any]] = []

    def add(outage: str, happen: Callable[[], None]) -> None:
        seconds = seconds_until_counted(machine, happen, plays=len(rows) + 1)
        counts = {part: len(found) for part, found in machine.parts().items()}
        [(stored, moments)] = machine.query(
            "select count(*), count(distinct played_at) from raw_spotify.recently_played"
        )
        row = {"outage": outage, "play counted after s": seconds, "processes": counts}
        rows.append({**row, "doubled": stored - moments})

    add("none", lambda: None)
    for outage, parts in OUTAGES.items():
        add(f"SIGKILL {outage}", lambda parts=parts: kill(machine, parts))  # type: ignore[misc]  # mypy: defaults
    if still_s:
        add(f"SIGSTOP of all for {still_s} s", lambda: stand_still(machine, still_s))
    return rows


def main() -> int:
    """Print the rows; 1 if something was doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench outages_of_parts", description=__doc__)
    parser.add_argument("--still", type=int, default=300, metavar="S", help="seconds; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with running_machine() as machine:
        machine.run("flows", "sync", "likes")  # the mart has the tracks of the library
        rows = measure(machine, options.still)
    for row in rows if not options.json else []:
        print(row)
    if options.json:
        print(json.dumps(rows, indent=2))
    is_single = all(set(row["processes"].values()) == {1} and not row["doubled"] for row in rows)
    return int(not is_single)


if __name__ == "__main__":
    raise SystemExit(main())
