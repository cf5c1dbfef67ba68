"""The `dbt` command in a process forked from one that has dbt in memory: its import takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.dbt import DBT_PROJECT_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIME_LIMIT_S = 250
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.postgres", __name__])


def dbt(arguments: Sequence[str], environment: Mapping[str, str], printed: Path) -> tuple[int, str]:
    """Run the command as a shell would; returns its exit status and all that it printed."""
    printed.write_text("")
    child = CONTEXT.Process(target=_run, args=(list(arguments), dict(environment), str(printed)))
    child.start()
    child.join(TIME_LIMIT_S)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise TimeoutError(f"dbt {' '.join(arguments)} took too long: {printed.read_text(encoding='utf-8')}")
    return child.exitcode, printed.read_text(encoding="utf-8")


def _run(arguments: list[str], environment: dict[str, str], printed: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(DBT_PROJECT_DIR.parent)
    with Path(printed).open("w", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", encoding="utf-8") for descriptor in (1, 2))
    from dbt.cli.main import cli

    cli(arguments, prog_name="dbt")
