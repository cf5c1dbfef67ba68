"""How long a night takes where Spotify answers nothing good: `python -m tests.bench outages [KIND …]`.

The real command with the settings that everybody has: real pauses, real timeouts, the build of the warehouse
included. Then Spotify is well again, and the next night has to make good.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.account.builders import library_of
from sandbox.testing import running_sandbox
from tests.bench.calls import temporary_database

if TYPE_CHECKING:
    from profiles.database import Database

KINDS = {
    "premium_lapsed": ("403 on everything", "Premium"),
    "server_error": ("5xx for an hour", "the next run tries again"),
    "timeout": ("no answer in time", "the next run tries again"),
    "drop_before": ("dropped connections", "the next run tries again"),
}
TARGET_S = 180
REMOVED = "select count(*) from raw_spotify.library_removals where event = 'removed'"


def daily_sync(environment: dict[str, str]) -> tuple[int, float, str]:
    """Run it; return its exit status, its seconds and what it said."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "flows", "run", "daily-sync"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, time.monotonic() - began, done.stdout + done.stderr


def count(database: Database, query: str) -> int:
    """One number."""
    with database.transaction() as cursor:
        cursor.execute(query)
        ((number,),) = cursor.fetchall()
    return int(number)


def measure(kind: str, spotify: Any, database: Database, environment: dict[str, str]) -> dict[str, Any]:
    """One outage and the night after it."""
    name, remedy = KINDS[kind]
    removed = count(database, REMOVED)
    gone = spotify.account.likes[10].track_id
    spotify.account.unlike(gone)
    spotify.faults.add(kind, "*", "*", times=None)
    status, seconds, said = daily_sync(environment)
    untouched = count(database, REMOVED) == removed
    spotify.faults.clear()
    after, good_night_s, _ = daily_sync(environment)
    return {
        "outage": name,
        "seconds": round(seconds),
        "status": status,
        "remedy named": remedy in said,
        "nothing removed": untouched,
        "next run": after,
        "its seconds": round(good_night_s),
        "noticed then": count(database, REMOVED) == removed + 1,
    }


def is_good(row: dict[str, Any]) -> bool:
    """Whether it ended in time, truthfully, and was made good."""
    is_truthful = row["status"] == 1 and row["remedy named"] and row["nothing removed"]
    return bool(row["seconds"] <= TARGET_S and is_truthful and row["next run"] == 0 and row["noticed then"])


def main() -> int:
    """Print the table; 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench outages", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all where none is named")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="tracker-bench-") as home,
        temporary_database(Path(home)) as database,
        running_sandbox(library_of(likes=430, albums=20)) as spotify,
    ):
        environment = {
            **os.environ,
            **spotify.environment,
            **database.environment(),
            "TRACKER_HOME": home,
            "TRACKER_ENV_FILE": os.devnull,
        }
        status, _, said = daily_sync(environment)
        if status:
            print(said, file=sys.stderr)
            return 1
        for kind in options.kinds or KINDS:
            rows.append(measure(kind, spotify, database, environment))
            if not options.json:
                print(", ".join(f"{name}: {value}" for name, value in rows[-1].items()), flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))
    return int(not all(is_good(row) for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
