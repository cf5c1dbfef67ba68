"""Whether many small builds make what one build makes from raw: `python -m tests.bench replay [--seeds N]`.

Random lives: polls with gaps, likes and un-likes, imports of three kinds, renamed, emptied and restored
songs, decisions and their undoing. Every incremental model and every mart is compared by checksum; of what
differs the rows are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.calls import temporary_database
from tests.dbt import replays
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw
from tests.dbt.random_lives import RandomLife


def measure(seed: int, steps: int) -> tuple[replays.Replay, float]:
    """One life in a database of its own; returns the outcome and the seconds."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, temporary_database(Path(folder) / "postgres") as database:
        os.environ["TRACKER_HOME"] = folder
        (Path(folder) / "dbt").mkdir()
        warehouse = Warehouse(database, Raw(database), Path(folder) / "dbt")
        outcome = replays.replay(warehouse, RandomLife(database, Path(folder), seed, steps))
    return outcome, round(time.monotonic() - start, 1)


def main() -> int:
    """Print a line per life and what differs; 1 where anything does."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench replay", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many lives")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--steps", type=int, default=8, help="builds of each life")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    lives = []
    for seed in range(options.first, options.first + options.seeds):
        outcome, seconds = measure(seed, options.steps)
        told = {
            "seed": seed,
            "builds": options.steps,
            "tables": len(outcome.tables),
            "incremental": sum(table.is_incremental for table in outcome.tables),
            "rows": sum(outcome.rows.values()),
            "listens": outcome.rows["intermediate.int_listens"],
            "differing tables": len(outcome.differences),
            "seconds": seconds,
        }
        lives.append({**told, "differences": outcome.differences})
        if not options.json:
            print("  ".join(f"{name}: {value:,}" for name, value in told.items()), flush=True)
            for name, said in outcome.differences.items():
                print(f"  {name}", *said, sep="\n    ", flush=True)
    if options.json:
        json.dump(lives, sys.stdout, indent=2, ensure_ascii=False)
        print()
    return int(any(life["differences"] for life in lives))


if __name__ == "__main__":
    raise SystemExit(main())
