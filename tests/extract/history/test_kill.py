"""After `kill -9` at any point of an import, the next import leaves every row exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from extract.history import import_history
from extract.loading.pipeline import LoadFailed, ensure_tables
from tests.extract.history.killed import POINTS
from tests.extract.history.rows import extended, stored, write

if TYPE_CHECKING:
    from profiles.session import Session

REPOSITORY = Path(__file__).parents[3]
FILES = (
    "select name, row_count, play_count, duplicate_count, outcome from raw_export.import_files order by name"
)


@pytest.fixture
def life(export: Path) -> Path:
    """Three files of 400 rows; each repeats 100 rows of the one before, and its own last row."""
    for number in range(3):
        rows = [extended(n) for n in range(number * 300, number * 300 + 399)]
        write(export / f"Streaming_History_Audio_{number}.json", [*rows, rows[-1]])
    return export


Killed = Callable[[Path, str, int], None]


@pytest.fixture(scope="module")
def forking() -> Iterator[subprocess.Popen[str]]:
    """A process that forks the children that are killed."""
    command = [sys.executable, "-m", "tests.extract.history.killed"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def killed(forking: subprocess.Popen[str]) -> Killed:
    """Import a path until a point is passed for the given time, where SIGKILL ends the process."""

    def strike(path: Path, point: str, count: int) -> None:
        assert forking.stdin is not None
        assert forking.stdout is not None
        order = {"path": str(path), "point": point, "count": count, "environment": dict(os.environ)}
        forking.stdin.write(json.dumps(order) + "\n")
        forking.stdin.flush()
        assert int(forking.stdout.readline()) == -signal.SIGKILL

    return strike


def assert_complete(session: Session) -> None:
    assert stored(session, "select count(*), count(distinct ts) from raw_export.streaming_history") == [
        (999, 999)
    ]
    assert stored(session, FILES) == [
        ("Streaming_History_Audio_0.json", 400, 399, 1, "loaded"),
        ("Streaming_History_Audio_1.json", 400, 300, 100, "loaded"),
        ("Streaming_History_Audio_2.json", 400, 300, 100, "loaded"),
    ]
    assert_every_row_is_of_a_recorded_load(session)


def assert_every_row_is_of_a_recorded_load(session: Session) -> None:
    """dbt reads the rows of recorded loads alone."""
    loads = "select load_id from raw_export._dlt_loads where status = 0"
    assert stored(
        session, f"select count(*) from raw_export.streaming_history where _dlt_load_id not in ({loads})"
    ) == [(0,)]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_import_is_completed_by_the_next_one(
    session: Session, life: Path, killed: Killed, point: str
) -> None:
    ensure_tables(session, "exports")
    killed(life, point, 2)
    report = import_history(session, life)
    assert_complete(session)
    assert report.rejected == 0
    assert import_history(session, life).rows_read == 0


def test_a_kill_while_the_tables_are_made_is_made_good(session: Session, life: Path, killed: Killed) -> None:
    killed(life, "before the package is closed", 1)
    import_history(session, life)
    assert_complete(session)


def test_an_import_killed_again_and_again_comes_to_its_end(
    session: Session, life: Path, killed: Killed
) -> None:
    for point in ("while a file is read", "after COPY, before dlt knows", "between normalize and load"):
        killed(life, point, 1)
    import_history(session, life)
    assert_complete(session)


def test_a_lost_working_folder_costs_time_and_no_rows(
    session: Session, life: Path, killed: Killed, tracker_home: Path
) -> None:
    import shutil

    ensure_tables(session, "exports")
    killed(life, "after COPY, before dlt knows", 2)
    shutil.rmtree(tracker_home / "dlt")
    import_history(session, life)
    assert_complete(session)


def test_a_package_that_is_dropped_after_its_copy_leaves_no_row_that_dbt_cannot_see(
    session: Session, life: Path, killed: Killed
) -> None:
    ensure_tables(session, "exports")
    killed(life, "after COPY, before dlt knows", 2)
    refuse = "alter table raw_export.import_files add constraint refuse check (false) not valid"
    stored(session, refuse, commit=True)
    with pytest.raises(LoadFailed):
        import_history(session, life)
    stored(session, "alter table raw_export.import_files drop constraint refuse", commit=True)
    import_history(session, life)
    assert_complete(session)
