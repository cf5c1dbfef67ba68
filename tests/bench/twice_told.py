"""Whether what two exports tell differently is told once: `python -m tests.bench twice_told [--artists N]`.

Generated lives of 300 artists in one database, each exported twice by exports of other years and habits: no
uris, other reasons or none, renamed artists and titles, offline times lost or wrong, one-year precision,
skips of 0 ms left out. The first exports of all are imported and built, then the second ones; then listens
are compared with the truth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.calls import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import session_on
from tests.dbt.payloads import Raw
from tests.dbt.twice_told import ARTISTS, Comparison, tell

if TYPE_CHECKING:
    from profiles.database import Database

MOST_SURPLUS = 0.05
FAULTS = ("missing", "told at another time", "invented", "doubled")
SHOWN = 5


def measure(database: Database, home: Path, artists: int, seed: int) -> tuple[Comparison, list[float]]:
    """Live, tell, build and compare; returns the comparison and the seconds of each build."""
    warehouse = Warehouse(database, Raw(database), home / "dbt")
    seconds: list[float] = []

    def build() -> None:
        start = time.monotonic()
        code, output = warehouse.dbt("run", "--select", "+listens")
        if code:
            raise SystemExit(output)
        seconds.append(round(time.monotonic() - start, 1))

    count = -(-artists // ARTISTS)
    return Comparison(tell(session_on(database), home, count, seed, build), database), seconds


def main() -> int:
    """Print the table; 1 where a stream is doubled, missing, invented, or too many are undecided."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench twice_told", description=__doc__)
    parser.add_argument("--artists", type=int, default=300)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    with tempfile.TemporaryDirectory() as folder, temporary_database(Path(folder) / "postgres") as database:
        os.environ["TRACKER_HOME"] = folder
        (Path(folder) / "dbt").mkdir()
        told, seconds = measure(database, Path(folder), options.artists, options.seed)
    figures: dict[str, Any] = told.figures()
    if options.json:
        json.dump({**figures, "seconds per build": seconds}, sys.stdout, indent=2)
        print()
    else:
        for name, value in figures.items():
            share = f"{100 * value / told.true:>8.2f} %" if name.startswith(("undecided", "  ")) else ""
            print(f"{name:<44}{value:>12,}{share}")
        for fault in (*told.missing, *told.misdated, *told.doubled, *told.invented)[:SHOWN]:
            print(f"  {fault}")
    is_exact = not any(figures[name] for name in FAULTS)
    return int(not is_exact or told.surplus.total() > MOST_SURPLUS * told.true)


if __name__ == "__main__":
    raise SystemExit(main())
