"""How tables are made is what these tests are about: their database has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from profiles.database import Database


@pytest.fixture
def database(new_database: Database) -> Database:
    """A database of the test's own, without raw tables."""
    return new_database
