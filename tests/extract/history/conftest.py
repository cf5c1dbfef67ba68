"""A session without Spotify, so that nothing in these tests can call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from profiles.settings import load_settings
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session


@pytest.fixture
def session(database: Database, tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    return without_spotify(load_settings(), database)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An empty folder for an export."""
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


Rows = list[dict[str, Any]]
