"""What a build costs by the length of the history: `python -m tests.bench.cost [PLAYS …]`.

The same library, and 10,000, 100,000 and 1,000,000 plays of it and of more, each in a database of its own,
on one temporary embedded PostgreSQL. Timed is the whole command, dbt's start too, with the selectors that the
flows use; the sizes take turns, and of the rounds the least counts. On a machine that has other work the
processor's time (of dbt and PostgreSQL alone) tells more than the clock's. `--nodes` tells where it goes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from extract.loading import pipeline
from extract.loading.tables import RECENTLY_PLAYED
from profiles import database as databases
from profiles import dbt
from profiles.database import Database, embedded
from profiles.settings import Settings
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTENER = Path(__file__).with_name("_listener.sql")
SIZES = (10_000, 100_000, 1_000_000)
NOTHING_NEW, NEW_PLAYS = "nothing new", "5 new plays"
SELECTORS = ("nightly", "after_poll")
PROCESSOR = ", processor"
TARGET = 1.5  # times the smallest size


@dataclass
class Listener:
    """One size: its database, and what each build took."""

    plays: int
    database: Database
    home: Path
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    work: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    nodes: dict[str, dict[str, float]] = field(default_factory=dict)
    dates: set[date] = field(default_factory=set)

    @classmethod
    def made(cls, plays: int, sockets: Path, home: Path) -> Listener:
        """Fill the raw tables of a database, or take the one that stands, and build it."""
        found = cls(plays, Database(str(sockets), embedded.PORT, f"cost_{plays}", embedded.SUPERUSER), home)
        databases.create_if_missing(found.database)
        databases.prepare(found.database)
        with found.database.transaction() as cursor:
            cursor.execute("select to_regclass('raw_spotify._dlt_loads') is null")
            is_new = cursor.fetchone() == (True,)
        pipeline.ensure_tables(found.session)
        if is_new:
            with found.database.transaction() as cursor:
                cursor.execute(LISTENER.read_text(encoding="utf-8"), {"plays": plays})
            with (
                closing(found.database.connect(autocommit=True)) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("vacuum analyze")
        found.build("nightly", "first build" if is_new else "catching up")
        return found

    @property
    def session(self) -> Any:
        """Settings and database."""
        return without_spotify(Settings(tracker_home=self.home), self.database)

    def tidy_up(self) -> None:
        """Do at once what autovacuum would do in the middle of a measurement."""
        with closing(self.database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute("vacuum analyze")

    def play(self, count: int = 5) -> None:
        """Load plays that the API has just told of."""
        now = datetime.now(UTC).replace(microsecond=0)
        with self.database.transaction() as cursor:
            cursor.execute(
                "select track_uri, payload from raw_spotify.recently_played"
                " order by played_at desc offset 20 limit %s",
                [count],
            )
            rows = [
                {
                    "played_at": now - number * timedelta(minutes=4),
                    "track_uri": uri,
                    "payload": payload | {"played_at": now.isoformat()},
                }
                for number, (uri, payload) in enumerate(cursor.fetchall())
            ]
            cursor.execute(
                "insert into ops.play_polls"
                " (polled_at, outcome, item_count, new_count, oldest_played_at, newest_played_at)"
                " values (%s, 'new', 50, %s, %s, %s)",
                [now, count, now - timedelta(hours=5), now],
            )
        pipeline.load(self.session, "listening", {RECENTLY_PLAYED: rows})

    def worked(self) -> float:
        """Return what dbt and PostgreSQL have used of the processor so far: other programs do not count."""
        dbt_s = resource.getrusage(resource.RUSAGE_CHILDREN)
        pid = int((embedded.data_folder(self.home) / "postmaster.pid").read_text().splitlines()[0])
        server = psutil.Process(pid)
        database_s = sum(server.cpu_times()[:4])  # its own, and that of backends that are gone
        for backend in server.children():
            with suppress(psutil.NoSuchProcess):
                database_s += sum(backend.cpu_times()[:2])
        return dbt_s.ru_utime + dbt_s.ru_stime + database_s

    def build(self, selector: str, scenario: str) -> None:
        """Build as a flow does, and note how long it took."""
        target = self.home / "target"
        variables = {
            **os.environ,
            **dbt.environment(Settings(tracker_home=self.home), self.database),
            "DBT_PROJECT_DIR": str(dbt.DBT_PROJECT_DIR),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(self.home / "logs"),
        }
        began, worked = time.monotonic(), self.worked()
        done = subprocess.run(
            [*dbt.COMMAND, "build", "--selector", selector],
            cwd=dbt.DBT_PROJECT_DIR,
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode:
            raise SystemExit(done.stdout[-4000:])
        what = f"{selector}, {scenario}"
        work = self.worked() - worked
        told = f"{what} in {seconds:.1f} s, {work:.1f} s of the processor"
        print(f"  {self.plays:>9,} plays: {told}", file=sys.stderr, flush=True)
        self.seconds[what].append(seconds)
        self.work[what].append(work)
        self.dates.add(datetime.now(UTC).date())
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
        self.nodes[what] = {each["unique_id"]: each["execution_time"] for each in results}


def measure(listeners: Sequence[Listener], rounds: int) -> None:
    """Build each size in turn, with nothing new and with new plays, as often as there are rounds."""
    for _ in range(rounds):
        for scenario in (NOTHING_NEW, NEW_PLAYS):
            for selector in SELECTORS:
                for listener in listeners:
                    if scenario == NEW_PLAYS:
                        listener.play()
                    listener.build(selector, scenario)


def table(listeners: Sequence[Listener]) -> list[dict[str, Any]]:
    """Return two rows per scenario, by the clock and by the processor: the least of each size, and ratios."""
    rows: list[dict[str, Any]] = []
    for scenario in (NOTHING_NEW, NEW_PLAYS):
        for selector in SELECTORS:
            what = f"{selector}, {scenario}"
            rows += [
                _row(what, {one.plays: min(one.seconds[what]) for one in listeners}),
                _row(f"{what}{PROCESSOR}", {one.plays: min(one.work[what]) for one in listeners}),
            ]
    return rows


def _row(what: str, least: dict[int, float]) -> dict[str, Any]:
    smallest = least[min(least)]
    return {
        "build": what,
        "seconds": {size: round(seconds, 1) for size, seconds in least.items()},
        "ratio": {size: round(seconds / smallest, 2) for size, seconds in least.items()},
    }


def print_nodes(listeners: Sequence[Listener]) -> None:
    """Print the nodes that cost most with the history."""
    small, large = listeners[0], listeners[-1]
    for what in large.nodes:
        if what not in small.nodes:
            continue
        grown = sorted(
            large.nodes[what].items(), key=lambda node: small.nodes[what].get(node[0], 0) - node[1]
        )
        print(f"\n{what}: seconds of dbt's nodes at {small.plays:,} and {large.plays:,} plays")
        for name, seconds in grown[:15]:
            print(f"{small.nodes[what].get(name, 0):>8.2f}{seconds:>8.2f}  {name}")


def main() -> int:
    """Print the table; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("plays", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", action="store_true", help="print where the time goes")
    parser.add_argument("--home", type=Path, help="keep the databases here, and use those that stand")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    with ExitStack() as stack:
        home = options.home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracker-bench-")))
        home.mkdir(parents=True, exist_ok=True)
        sockets = embedded.ensure_running(home)
        stack.callback(embedded.stop, home)
        listeners = [Listener.made(plays, sockets, home) for plays in sorted(options.plays)]
        measure(listeners, options.rounds)
    rows = table(listeners)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{'dbt build':<36}" + "".join(f"{size:>13,} plays" for size in sorted(options.plays)))
        for row in rows:
            parts = zip(row["seconds"].values(), row["ratio"].values(), strict=True)
            print(f"{row['build']:<36}" + "".join(f"{s:>9.1f} s {ratio:>6.2f} ×" for s, ratio in parts))
    if options.nodes:
        print_nodes(listeners)
    dates = set.union(*(listener.dates for listener in listeners))
    days = ", ".join(map(str, sorted(dates)))
    aim = f"on {days} (UTC); target: at most {TARGET} × the smallest, by the processor"
    print(aim, file=sys.stderr if options.json else sys.stdout)
    judged = [row for row in rows if row["build"].endswith(PROCESSOR)]
    return int(any(max(row["ratio"].values()) > TARGET for row in judged))


if __name__ == "__main__":
    raise SystemExit(main())
