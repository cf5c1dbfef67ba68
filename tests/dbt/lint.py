"""Lint dbt_project: `python -m tests.dbt.lint [lint|fix|accept]`.

sqlfluff reads the models as dbt compiles them, and dbt asks the database: a temporary one, gone afterwards.
What makes the rows of incremental tables is read from dbt's manifest; see data_versions.py. The rules of
dbt_project/dbt-bouncer.yml are checked on the same manifest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.database import Database, embedded
from profiles.dbt import DBT_PROJECT_DIR, PROFILES_DIR
from tests.dbt import data_versions
from tests.support.dbt_in_memory import DBT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dbt.data_versions import Manifest

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Do what the first argument names, `lint` without one; return the exit status."""
    command = sys.argv[1:] or ["lint"]
    if command == ["accept"]:
        data_versions.accept(manifest_of(DBT_PROJECT_DIR), DBT_PROJECT_DIR)
        return 0
    return (_rules() if command == ["lint"] else 0) or _sqlfluff(command)


def _rules() -> int:
    """Check data versions and dbt-bouncer's rules; return the exit status."""
    with parsed(DBT_PROJECT_DIR) as home:
        said = data_versions.complaints(_manifest_in(home), DBT_PROJECT_DIR)
        sys.stderr.writelines(f"{complaint}\n" for complaint in said)
        bouncer = Path(sys.executable).with_name("dbt-bouncer")
        judged = subprocess.run(
            [bouncer, "run", "--config-file", str(DBT_PROJECT_DIR / "dbt-bouncer.yml")],
            env={**os.environ, "DBT_PROJECT_DIR": str(home)},
            check=False,
        )
    return judged.returncode or int(bool(said))


def manifest_of(project: Path) -> Manifest:
    """Return dbt's manifest of a project folder, without a database.

    Raises RuntimeError with dbt's words where it cannot parse the project.
    """
    with parsed(project) as home:
        return _manifest_in(home)


@contextmanager
def parsed(project: Path) -> Iterator[Path]:
    """Yield a temporary folder with dbt's manifest of a project in `target`, made without a database.

    Raises RuntimeError with dbt's words where it cannot parse the project.
    """
    with tempfile.TemporaryDirectory(prefix="tracker-lint-") as folder:
        target = Path(folder, "target")
        places = {"DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": PROFILES_DIR, "DBT_TARGET_PATH": target}
        named = {name: str(place) for name, place in places.items()}
        done = DBT.run(["parse"], {**os.environ, **named, "DBT_LOG_PATH": folder, "DB_HOST": "none"})
        if done.status:
            raise RuntimeError(done.printed)
        yield Path(folder)


def _manifest_in(home: Path) -> Manifest:
    manifest: Manifest = json.loads((home / "target" / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _sqlfluff(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="tracker-lint-") as folder:
        home = Path(folder)
        sockets = embedded.ensure_running(home, options={"fsync": "off"})
        database = Database(str(sockets), embedded.PORT, "postgres", embedded.SUPERUSER)
        ours = {"TRACKER_TIMEZONE": "UTC", "TRACKER_AS_OF": "", "DBT_TARGET_PATH": str(home / "target")}
        try:
            return subprocess.run(
                [sys.executable, "-m", "sqlfluff", *command, "--disable-progress-bar", "dbt_project"],
                cwd=ROOT,
                env={**os.environ, **database.environment(), **ours, "DBT_LOG_PATH": str(home / "logs")},
                check=False,
            ).returncode
        finally:
            embedded.stop(home)


if __name__ == "__main__":
    raise SystemExit(main())
