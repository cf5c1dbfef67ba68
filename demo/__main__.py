"""`python -m demo [live | start | stop | env]`: the product on a simulated account.

`live` (the default) lives through three weeks and ends with an account of them; `start` and `stop` serve the
account in real time for `make up SANDBOX=1`; `env` prints the settings for a shell.
Exit status: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from demo import account, place
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("command", nargs="?", default="live", choices=("live", "start", "stop", "env"))
    command = parser.parse_args(arguments).command
    try:
        where = place.find_place()
        if command == "live":
            from demo.life import live  # noqa: PLC0415  # it loads the product, the others need little of it

            return live(where)
        told = {"start": account.start, "stop": account.stop, "env": place.Place.shell}[command](where)
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the next demo goes on from what is there\n")
        return 130
    sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
