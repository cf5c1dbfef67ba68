"""One Prefect server for all tests of flows; plain logic needs none."""

from __future__ import annotations

import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.database import Database


@pytest.fixture(scope="session")
def prefect_server(
    own_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A temporary Prefect server with a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield


@pytest.fixture
def ask(database: Database) -> Callable[..., list[Any]]:
    """Rows of a query; single columns as plain values."""

    def query(statement: str, *values: Any) -> list[Any]:
        with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    return query


@pytest.fixture
def lenient_warnings() -> Iterator[None]:
    """Prefect's threads leave sockets to the garbage collector, which warns in whatever test comes next."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
