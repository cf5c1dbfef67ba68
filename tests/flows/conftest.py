"""One Prefect server for all tests of flows; plain logic needs none."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
def database(loaded_database: Database) -> Database:
    """A database of the test's own with empty raw tables."""
    return loaded_database


@pytest.fixture
def lenient_warnings() -> Iterator[None]:
    """Prefect's threads leave sockets to the garbage collector, which warns in whatever test comes next."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
