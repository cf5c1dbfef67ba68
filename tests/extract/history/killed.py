"""A process whose children import and kill themselves at a named point.

It reads lines of JSON, {path, point, count, environment}, forks for each, and answers with the status of the
child. The environment says where the database is; `count` says at which passing of the point, from 1.
A forked child need not import dlt again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlt.destinations.impl.postgres.postgres import PostgresCsvCopyJob
from dlt.load.load import Load
from dlt.pipeline.pipeline import Pipeline

from extract.history import import_history, importer
from extract.loading.loader import Loader
from profiles.database import locate
from profiles.settings import load_settings
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS: dict[str, tuple[Any, str, bool]] = {
    "before a package is made": (Loader, "load_all", False),
    "while a file is read": (importer, "to_batch", False),
    "between extract and normalize": (Pipeline, "normalize", False),
    "between normalize and load": (Pipeline, "load", False),
    "before COPY": (PostgresCsvCopyJob, "run", False),
    "after COPY, before dlt knows": (PostgresCsvCopyJob, "run", True),
    "before the package is closed": (Load, "complete_package", False),
    "after a package": (Loader, "load_all", True),
}


def arm(point: str, count: int) -> None:
    """Wrap the function at the point, so that its call kills this process."""
    owner, name, is_after = POINTS[point]
    original: Callable[..., Any] = getattr(owner, name)
    left = [count]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


def be_killed(path: str, point: str, count: int, environment: dict[str, str]) -> None:
    """Import in small packages, with the point armed."""
    os.environ.clear()
    os.environ.update(environment)
    settings = load_settings()
    importer.GROUP_ROWS = 100
    importer.PACKAGE_ROWS = 200
    arm(point, count)
    import_history(without_spotify(settings, locate(settings)), Path(path))


def main() -> None:
    """Fork for each line, and print how each child ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                be_killed(**json.loads(line))
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
