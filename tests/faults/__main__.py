"""`python -m tests.faults`: random histories with faults, and what is promised looked at after every step.

A history that breaks a promise is shortened to the steps that are needed for it, and written to the folder
named by `--out`, from which `--replay FILE` lives it again.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import click

from tests.faults.life import BrokenPromise, live
from tests.faults.schedule import History, random_history

DBT_EVERY = 10
LONGEST_SHORTENING_S = 240


def attempt(history: History) -> str | None:
    """Live a history; return which promise was broken, None where all hold."""
    with tempfile.TemporaryDirectory(prefix="tracker-faults-") as folder:
        try:
            live(history, Path(folder) / "w")
        except BrokenPromise as broken:
            return str(broken)
    return None


def shortened(history: History, *, until: float) -> History:
    """Return a shorter history that breaks a promise as well: steps are left out as long as it still does."""
    steps = list(history.steps)
    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps) and time.monotonic() < until:
            fewer = [*steps[:start], *steps[start + size :]]
            if attempt(history.with_steps(fewer)) is not None:
                steps = fewer
            else:
                start += size
        size //= 2
    return history.with_steps(steps)


@click.command()
@click.option("--seeds", default="0-24", show_default=True, help="The first and the last seed.")
@click.option("--steps", default=16, show_default=True, help="Steps of a history.")
@click.option("--replay", type=click.Path(exists=True, path_type=Path), help="Live one stored history again.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(".local/faults"), show_default=True)
@click.option("--no-shorten", is_flag=True, help="Write a broken history down as it is.")
def main(seeds: str, steps: int, replay: Path | None, out: Path, no_shorten: bool) -> None:
    """Live random histories with faults."""
    if replay is not None:
        histories = [History.read(json.loads(replay.read_text()))]
    else:
        first, _, last = seeds.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        histories = [random_history(n, steps=steps, has_dbt=n % DBT_EVERY == DBT_EVERY - 1) for n in numbers]
    broken = 0
    began = time.monotonic()
    for history in histories:
        started = time.monotonic()
        why = attempt(history)
        told = f"seed {history.seed:>4}  {len(history.steps)} steps  {time.monotonic() - started:5.1f} s"
        click.echo(f"{told}  {'all promises hold' if why is None else why}")
        if why is not None:
            broken += 1
            if not no_shorten and not history.is_shortened:
                history = shortened(history, until=time.monotonic() + LONGEST_SHORTENING_S)  # noqa: PLW2901
            out.mkdir(parents=True, exist_ok=True)
            file = out / f"{history.seed}.json"
            file.write_text(json.dumps(history.as_json(), indent=1))
            click.echo(f"           {len(history.steps)} steps are enough: {file}")
    click.echo(f"{len(histories)} histories in {time.monotonic() - began:.0f} s, broken: {broken}")
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
