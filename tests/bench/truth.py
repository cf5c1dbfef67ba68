"""Whether 50,000 plays are told as they were: `python -m tests.bench truth [--years N] [--seed N] [--json]`.

A generated life is seen through polls with a gap, extended exports of two eras and one-year data, all
overlapping, with offline plays told late and streams told twice. The warehouse is built as they come in, in a
database of another time zone, and compared with the life: listen by listen, plays under each definition, and
every column of unified_tracks that comes from plays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.bench.calls import temporary_database
from tests.dbt.comparison import Comparison
from tests.dbt.conftest import Warehouse
from tests.dbt.lives import live, tell
from tests.dbt.payloads import Raw, execute

if TYPE_CHECKING:
    from profiles.database import Database

ZONE = ZoneInfo("America/New_York")
# as shares of all listens, and of those that count as plays
MOST_UNDECIDED = 0.01
MOST_UNDECIDED_PLAYS = 0.005


def measure(database: Database, home: Path, years: float, seed: int) -> dict[str, Any]:
    """Live, tell, build and compare; returns the figures of the table."""
    execute(database, f"alter database {database.name} set timezone to 'Asia/Kolkata'")
    began = time.monotonic()
    life = live(database, years=years, seed=seed)
    lived = time.monotonic()
    warehouse = Warehouse(database, Raw(database), home / "dbt")
    builds = []

    def build() -> None:
        start = time.monotonic()
        models = ["+unified_tracks", "listens", "play_definitions"]
        code, output = warehouse.dbt("run", "--select", *models, TRACKER_TIMEZONE=ZONE.key)
        if code:
            raise SystemExit(output)
        builds.append(time.monotonic() - start)

    tell(life, home, build)
    told = Comparison(life, database)
    undecided = Counter(one.undecided_about for one in told.undecided)
    return {
        "true events": len(told.truth.listens),
        "found": len(told.found),
        "undecided": len(told.undecided),
        "  of them plays": len(told.undecided_plays),
        **{f"  about its {about}": count for about, count in sorted(undecided.items()) if about},
        "missing, an undecided one stands for it": len(told.missing) - len(told.lost),
        "missing": len(told.lost),
        "invented": len(told.invented),
        "told at another time": len(told.misdated),
        "told of another track": len(told.mistaken),
        **{f"plays, {name}: found / true": list(counts) for name, counts in told.definitions().items()},
        "unified_tracks, cells that differ": len(told.unified_tracks(ZONE)),
        "seconds to generate": round(lived - began, 1),
        "seconds per build": [round(seconds, 1) for seconds in builds],
    }


def is_exact(figures: dict[str, Any]) -> bool:
    """Whether nothing is missing, invented or otherwise than it was, and little is undecided."""
    zeros = (
        "missing",
        "invented",
        "told at another time",
        "told of another track",
        "unified_tracks, cells that differ",
    )
    counts = [value for name, value in figures.items() if name.startswith("plays, ")]
    return (
        not any(figures[name] for name in zeros)
        and all(found == true for found, true in counts)
        and figures["undecided"] < MOST_UNDECIDED * figures["true events"]
        and figures["  of them plays"] < MOST_UNDECIDED_PLAYS * counts[0][1]
    )


def main() -> int:
    """Print the table; 1 where what is told is not what was."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench truth", description=__doc__)
    parser.add_argument("--years", type=float, default=4.5, help="length of the life: 12,000 plays a year")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    with tempfile.TemporaryDirectory() as folder, temporary_database(Path(folder) / "postgres") as database:
        os.environ["TRACKER_HOME"] = folder
        figures = measure(database, Path(folder), options.years, options.seed)
    if options.json:
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        for name, value in figures.items():
            numbers = value if isinstance(value, list) else [value]
            line = f"{name:<42}{' / '.join(f'{number:,}' for number in numbers):>20}"
            if "undecided" in name or "of them" in name:
                line += f"{100 * value / figures['true events']:>8.2f} %"
            print(line)
    return int(not is_exact(figures))


if __name__ == "__main__":
    raise SystemExit(main())
