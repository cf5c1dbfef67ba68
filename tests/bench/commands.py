"""What a command costs: `python -m tests.bench commands [--json]`.

Seconds of processor time (user and system) of the command and its children, the median of several runs, and
the ratio to a bare script that makes the same call with spotipy and inserts one row. Database and simulated
Spotify are up, and everything is compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.account.builders import library_of
from sandbox.testing import running_sandbox
from tests.bench.calls import temporary_database

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 5
MOST = 3.0
"""Target for the ratio of `tracker sync plays` with nothing new."""

TRACKER = str(Path(sys.executable).with_name("tracker"))
BARE = """
import os, psycopg2, spotipy
client = spotipy.Spotify(auth=os.environ["BARE_TOKEN"])
client.prefix = os.environ["SPOTIFY_API_URL"]
found = client.current_user_recently_played(limit=50)
with psycopg2.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], dbname=os.environ["DB_NAME"],
                      user=os.environ["DB_USER"]) as connection, connection.cursor() as cursor:
    cursor.execute("create temporary table polls (plays int)")
    cursor.execute("insert into polls values (%s)", [len(found["items"])])
"""
COMMANDS = {
    "bare spotipy and one insert": [sys.executable, "-c", BARE],
    "tracker --help": [TRACKER, "--help"],
    "tracker playlists list": [TRACKER, "playlists", "list"],
    "tracker sync plays, nothing new": [TRACKER, "sync", "plays"],
}


def cpu_seconds(command: list[str], environment: Mapping[str, str]) -> float:
    """Run a command; return the processor time of it and its children. Raises where it fails."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: {said.decode()}")
    return used.ru_utime + used.ru_stime


def measure(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per command, all in turn, so that what else the machine does meets each alike."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for run in range(RUNS + 1):
        for name, command in COMMANDS.items():
            seconds = cpu_seconds(command, environment)
            if run:  # the first compiles, and loads the plays that are new
                taken[name].append(seconds)
    bare = statistics.median(taken["bare spotipy and one insert"])
    return [
        {
            "command": name,
            "cpu_s": round(statistics.median(each), 2),
            "ratio": round(statistics.median(each) / bare, 1),
        }
        for name, each in taken.items()
    ]


def main() -> int:
    """Print the table; 1 where the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench commands", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tracker-bench-") as home,
        temporary_database(Path(home)) as database,
        running_sandbox(library_of(likes=100, albums=5)) as spotify,
    ):
        rows = measure(
            {
                **os.environ,
                **spotify.environment,
                **database.environment(),
                "BARE_TOKEN": spotify.access_token(),
                "TRACKER_HOME": home,
                "TRACKER_ENV_FILE": os.devnull,
            }
        )
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print(f"{row['command']:<34} {row['cpu_s']:>6.2f} CPU s  {row['ratio']:>5.1f} times")
    [sync] = [row for row in rows if row["command"].startswith("tracker sync")]
    return int(sync["ratio"] > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
