"""`python -m tests.bench [NAME …]`: what is slower than a test. Every module of this folder is a part.

Each part runs in a process of its own and prints its table; options (`--json`) are handed on to all.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import tests.bench


def main() -> int:
    """Run the parts that are named, all if none is; return the first exit status that is not 0."""
    parts = sorted(part.name for part in pkgutil.iter_modules(tests.bench.__path__) if part.name[0] != "_")
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    if unknown := set(names) - set(parts):
        print(f"No such part: {', '.join(sorted(unknown))}. There are: {', '.join(parts)}.", file=sys.stderr)
        return 2
    statuses = []
    for name in names or parts:
        print(f"\n== {name}", flush=True)
        statuses.append(
            subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options], check=False).returncode
        )
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    raise SystemExit(main())
