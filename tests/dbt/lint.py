"""Lint the SQL of dbt_project: `python -m tests.dbt.lint [fix]`.

sqlfluff reads the models as dbt compiles them, and dbt asks the database: a temporary one, gone afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from profiles.database import Database, embedded

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run `sqlfluff lint` (or what the arguments name) and return its exit status."""
    command = sys.argv[1:] or ["lint"]
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
