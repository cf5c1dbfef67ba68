"""A whole run with every logger at DEBUG, and then a search for secrets wherever it has left something."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2 import sql

from profiles.database import our_tables
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.session import Session

CHATTY = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "extract,playlists,profiles,flows,spotipy,urllib3,dlt,sqlalchemy",
    "RUNTIME__LOG_LEVEL": "DEBUG",
    "DBT_LOG_LEVEL": "debug",
    "DBT_LOG_LEVEL_FILE": "debug",
    "DBT_DEBUG": "true",
}
PASSWORD = "password-of-the-test-that-nobody-may-find"
KEY = "secret-key-of-the-test-that-nobody-may-find"
AUTHORIZATION = re.compile(rb"(?:Bearer|Basic) +(?!\[hidden\])[A-Za-z0-9._~+/=-]{12,}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_full_run_at_debug_leaves_no_token_secret_or_password_anywhere(
    session: Session, spotify: Any, tracker_home: Path
) -> None:
    password = session.database.password or PASSWORD  # a given server wants its own
    done = subprocess.run(
        [sys.executable, "-m", "flows", "run", "initial-sync"],
        cwd=REPOSITORY,
        env={**os.environ, **CHATTY, "DB_PASSWORD": password, "TRACKER_SECRET_KEY": KEY},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"DEBUG" in done.stderr + done.stdout  # the loggers did speak
    secrets = [spotify.client_secret, spotify.refresh_token, password, KEY, *spotify.tokens.access]
    secrets += list(spotify.tokens.grants)
    pair = f"{spotify.client_id}:{spotify.client_secret}"
    needles = [each.encode() for each in (*secrets, base64.b64encode(pair.encode()).decode())]
    places = {"stdout": done.stdout, "stderr": done.stderr, **files_below(tracker_home), **rows(session)}
    assert any(name.endswith("prefect.db") for name in places)
    found = [name for name, content in places.items() if any(needle in content for needle in needles)]
    found += [name for name, content in places.items() if AUTHORIZATION.search(content)]
    assert found == []


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file's bytes: logs, dlt's packages and state, dbt's target, Prefect's database."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(session: Session) -> dict[str, bytes]:
    """Every row of every table as text, the encrypted sign-in included."""
    found: dict[str, bytes] = {}
    with session.database.transaction() as cursor:
        for table in our_tables.every_table(cursor):
            cursor.execute(sql.SQL("select t::text from {} as t").format(table.identifier))
            found[str(table)] = "\n".join(row for (row,) in cursor).encode()
    return found
