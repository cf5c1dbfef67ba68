"""What a poll imports. dlt, pyarrow and dbt take seconds to import, and most polls find nothing to load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from extract.listening import poll

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

REPOSITORY = Path(__file__).parents[2]
HEAVY = "sorted({'dlt', 'pyarrow', 'dbt', 'prefect'} & {name.split('.')[0] for name in sys.modules})"
POLL = f"""
import json, sys
from extract.listening import poll
from profiles.session import open_session
with open_session() as session:
    report = poll(session)
print(json.dumps([report.outcome, report.new, {HEAVY}]))
"""


def run_python(code: str) -> Any:
    """Run code in a new process and return the JSON that it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "module",
    [
        "extract.listening",
        "extract.report",
        "extract.loading.pipeline",
        "extract.loading.source_checks",
        "extract.loading.syncing",
        "extract.loading.stored_payloads",
        "extract.loading.quarantine",
        "extract.availability",
        "extract.library.sync",
    ],
)
def test_a_module_of_the_polling_path_imports_no_heavy_library(module: str) -> None:
    assert run_python(f"import json, sys, {module}; print(json.dumps({HEAVY}))") == []


def test_a_poll_with_nothing_new_imports_no_heavy_library_and_leaves_its_row(
    session: Session, ask: Ask
) -> None:
    assert poll(session).outcome == "new"
    assert run_python(POLL) == ["nothing_new", 0, []]
    assert ask("select outcome from ops.play_polls order by poll_id") == ["new", "nothing_new"]
