"""A session without Spotify, so that nothing in these tests can call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from profiles.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session
    from profiles.settings import Settings


@dataclass(frozen=True)
class WithoutSpotify:
    """Settings and database of a session."""

    settings: Settings
    database: Database


@pytest.fixture
def session(database: Database, tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    return cast("Session", WithoutSpotify(load_settings(), database))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An empty folder for an export."""
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


Rows = list[dict[str, Any]]
