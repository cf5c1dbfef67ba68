"""`python -m tests.bench inputs`: twenty thousand requests that no client would send, to the sandbox."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

from sandbox.api.shapes import Mode
from sandbox.testing import running_sandbox
from tests.sandbox.random_inputs import Generator, try_all

CALLS = 10_000
SEED = 1


def main() -> int:
    """Send them, print what was answered; 1 where an answer must not be."""
    failed = False
    for mode in get_args(Mode):
        with tempfile.TemporaryDirectory() as folder:
            with running_sandbox(mode=mode, home=Path(folder) / "home") as running:
                begun = time.perf_counter()
                tried = try_all(running, Generator(SEED, running, Path(folder)).requests(CALLS))
                lasted_s = time.perf_counter() - begun
            counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(tried.statuses.items()))
            print(f"{mode}: {tried.calls:,} calls in {lasted_s:.0f} s ({counts}); wrong: {len(tried.wrong)}")
            for line in tried.wrong[:20]:
                print(f"  {line}", file=sys.stderr)
            failed = failed or bool(tried.wrong)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
