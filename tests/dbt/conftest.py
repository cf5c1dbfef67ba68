"""Real dbt on a real PostgreSQL. A build takes seconds: modules build once and look often."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest

from profiles.dbt import DBT_PROJECT_DIR, PROFILES_DIR
from tests.conftest import temporary_database
from tests.dbt.payloads import Raw, make_raw_tables
from tests.support.dbt_in_memory import DBT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

NOON = "2026-06-15T12:00:00+00:00"


class Answer(NamedTuple):
    """What a short dbt command answered: compiled SQL, and what went wrong ("" = nothing)."""

    compiled: str
    error: str


@dataclass(frozen=True)
class Warehouse:
    """A database with raw tables, and dbt on it. It lives in simulated time: builds are as of NOON."""

    database: Database
    raw: Raw
    folder: Path

    def build(self, *arguments: str, **environment: str) -> str:
        """`dbt build` as of noon on 15 June 2026, without unit tests; returns what dbt printed."""
        code, output = self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, **environment)
        assert code == 0, output
        return output

    def models(self, *arguments: str, **environment: str) -> str:
        """`build` without its tests: half the time, where a test looks at the tables itself."""
        return self.build("--exclude-resource-type", "test", *arguments, **environment)

    def dbt(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run dbt; returns its exit status and what it printed."""
        done = DBT.run(arguments, self._variables(environment))
        return done.status, done.printed

    def ask(self, *questions: list[str], **environment: str) -> list[Answer]:
        """Many short dbt commands."""
        variables = self._variables(environment)
        answers = [DBT.run(["--quiet", *question], variables) for question in questions]
        return [Answer("".join(one.compiled for one in each.results), each.errors) for each in answers]

    def _variables(self, environment: dict[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            **self.database.environment(),
            "TRACKER_AS_OF": NOON,
            "TRACKER_TIMEZONE": "Europe/Berlin",
            "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR),
            "DBT_PROFILES_DIR": str(PROFILES_DIR),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_USE_COLORS": "false",
            **environment,
        }


@pytest.fixture(scope="session")
def dbt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt writes: one folder, so that it parses the project once."""
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: Database, template_database: Database, dbt_folder: Path
) -> Iterator[Warehouse]:
    """A warehouse of the module's own, with empty raw tables and nothing built."""
    with temporary_database(postgres_server, template=template_database.name, label="warehouse") as database:
        make_raw_tables(database)
        yield Warehouse(database, Raw(database), dbt_folder)
